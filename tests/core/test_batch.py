import pytest
import torch

from robovlms.core.batch import Batch


def make_batch(**changes):
    values = {
        "images": {"static": torch.zeros(3, 8, 8, 3, dtype=torch.uint8)},
        "frame_id": torch.arange(3),
        "frame_index": torch.tensor([[0, 1], [1, 2]]),
        "frame_valid": torch.ones(2, 2, dtype=torch.bool),
        "instructions": ("open the drawer",),
        "instruction_index": torch.zeros(2, dtype=torch.int64),
        "state": torch.zeros(2, 2, 15),
        "actions": torch.zeros(2, 2, 4, 7),
        "action_mask": torch.ones(2, 2, 4, dtype=torch.bool),
        "dataset_id": torch.zeros(2, dtype=torch.int64),
    }
    return Batch(**(values | changes))


def test_moves_every_tensor():
    moved = make_batch().to("meta")
    assert moved.images["static"].device.type == "meta"
    assert moved.actions.device.type == moved.frame_index.device.type == "meta"
    assert moved.instructions == ("open the drawer",)
    assert len(moved) == 2


def test_shapes_that_disagree_are_refused():
    with pytest.raises(TypeError, match="action_mask"):
        make_batch(action_mask=torch.ones(2, 3, 4, dtype=torch.bool))
