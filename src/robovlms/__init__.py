"""RoboVLMs: turn any pre-trained vision-language model (VLM) into a robot policy (VLA).

Heavy packages load on first use, so ``import robovlms`` and ``robovlms --help`` never import torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from robovlms.policies.create import RoboVLMs
    from robovlms.policies.vla import VLA

_LAZY = {"VLA": "robovlms.policies.vla", "RoboVLMs": "robovlms.policies.create"}

__all__ = ["VLA", "RoboVLMs", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the public classes on first access."""
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'robovlms' has no attribute {name!r}")
