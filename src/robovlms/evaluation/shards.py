"""Parts of an evaluation, for several machines: ``2/3`` is every third episode, from the second on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from robovlms.core.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shard:
    """The ``number``-th of ``count`` parts, from 1."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read ``I/N``; raises ``UserError`` unless 1 <= I <= N."""
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        number, count = map(int, match.groups()) if match else (0, 0)
        if not 1 <= number <= count:
            raise UserError(f"Got shard '{text}', expected I/N with I from 1 to N, such as 1/4, 2/4, 3/4 and 4/4.")
        return cls(number, count)

    def of(self, items: Sequence[T]) -> Sequence[T]:
        """This part; those of all numbers are all items."""
        return items[self.number - 1 :: self.count]
