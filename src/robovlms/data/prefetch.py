"""Batches made in a background thread while a model learns from the ones before."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def prefetched(make: Callable[[int], T], first: int, ahead: int = 2) -> Iterator[T]:
    """``make(first)``, ``make(first + 1)``, ... without end, ``ahead`` of them prepared."""
    with ThreadPoolExecutor(1) as pool:
        pending: list[Future[T]] = []
        try:
            while True:
                while len(pending) <= ahead:
                    pending.append(pool.submit(make, first))
                    first += 1
                yield pending.pop(0).result()
        finally:
            for future in pending:
                future.cancel()
