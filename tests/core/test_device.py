"""Where a network runs is named, found or refused."""

import pytest
import torch

from robovlms.core.device import require_device
from robovlms.core.errors import UserError


@pytest.mark.parametrize(("count", "device"), [(0, "cpu"), (2, "cuda:0")])
def test_auto_is_a_gpu_where_there_is_one(monkeypatch, count, device):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    assert require_device("auto") == torch.device(device)
    assert require_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(("count", "name"), [(0, "cuda"), (2, "cuda:2"), (2, "gpu")])
def test_a_device_that_is_not_here_is_refused_with_those_that_are(monkeypatch, count, name):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    with pytest.raises(UserError, match=f"Device '{name}' is not here: expected auto or one of cpu"):
        require_device(name)
