import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from robovlms.pretraining import tiny_vlm_path
from robovlms.pretraining.export import export
from robovlms.pretraining.imagined import imagined_frames
from robovlms.pretraining.model import TinyVLMConfig, build


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer():
    # Packaged; test_tiny_vlm.py checks that the code builds the same.
    return AutoTokenizer.from_pretrained(tiny_vlm_path())


@pytest.fixture(scope="session")
def small():
    return TinyVLMConfig(vision_width=64, connector=96, width=64, depth=2, heads=4, intermediate=96)


@pytest.fixture(scope="session")
def saved(tmp_path_factory, tokenizer, small):
    """A random small model, its BatchNorm statistics moved away from their start, exported with 16-bit weights."""
    torch.manual_seed(0)
    model = build(small, tokenizer)
    with torch.no_grad():
        model.model.vision_tower.train()(torch.randn(8, 3, 64, 64))
    directory = tmp_path_factory.mktemp("vlm") / "tiny"
    export(model.eval(), tokenizer, directory)
    return directory


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def frames_with_images():
    """Makes records of random values with images of noise."""

    def make(number):
        rng = np.random.default_rng(5)
        frames = imagined_frames(rng, number)
        for frame in frames:
            frame.record["images"] = rng.integers(0, 256, frame.images.shape)
        return frames

    return make
