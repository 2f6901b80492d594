"""Where networks run."""

import torch

from robovlms.core.errors import UserError


def require_device(name: str) -> torch.device:
    """The device of this name; ``auto`` is the first GPU, or the CPU where there is none.

    Raises:
        UserError: there is no such device here.
    """
    count = torch.cuda.device_count()
    if name == "auto":
        return torch.device("cuda:0" if count else "cpu")
    known = ["cpu", *(["cuda"] if count else []), *(f"cuda:{number}" for number in range(count))]
    if name not in known:
        raise UserError(f"Device '{name}' is not here: expected auto or one of {', '.join(known)}.")
    return torch.device(name)
