"""What a check has to say."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """Something odd in a data set.

    ``error``: what a policy learns from it would be wrong. ``warning``: it may be meant so. ``episode`` and ``row``
    say where it was first seen, or are None where it is about the whole.
    """

    check: str
    severity: Literal["error", "warning"]
    seen: str
    expected: str
    remedy: str
    episode: int | None = None
    row: int | None = None
