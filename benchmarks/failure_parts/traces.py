"""Failed attempts as they are kept: what was asked, who played, and the trace (mm), only where it changes."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robovlms.core.trace import Aim, Moment

HERE = Path(__file__).parent
TRACES, LABELS = HERE / "traces.jsonl", HERE / "labels.json"


@dataclass(frozen=True)
class Attempt:
    """One task that failed: the last of a chain. ``trace`` begins where the task does."""

    id: str
    policy: str
    checkpoint_digest: str
    scene: str
    chain: str
    seed: int
    position: int
    task: str
    instruction: str
    aim: Aim
    trace: tuple[Moment, ...]


def write(attempts: Iterable[Attempt], path: Path) -> None:
    """One line an attempt."""
    path.write_text("".join(json.dumps(_pack(one), separators=(",", ":")) + "\n" for one in attempts))


def read(path: Path = TRACES) -> list[Attempt]:
    """What ``write`` wrote."""
    return [_unpack(json.loads(line)) for line in path.read_text().splitlines()]


def _pack(one: Attempt) -> dict[str, Any]:
    trace, aim = one.trace, one.aim
    columns = {
        "tool": [_mm(moment.tool) for moment in trace],
        "closed": [moment.closed for moment in trace],
        "held": [moment.held for moment in trace],
        "touched": [sorted(moment.touched) for moment in trace],
        "lit": [sorted(moment.lit) for moment in trace],
    }
    objects = {name: _changes([_mm(moment.objects[name]) for moment in trace]) for name in trace[0].objects}
    known = {name: value for name, value in asdict(one).items() if name not in ("aim", "trace")}
    return {
        **known,
        "aim": {**asdict(aim), "objects": sorted(aim.objects), "goals": sorted(aim.goals)},
        "num_steps": len(trace) - 1,
        "trace": {**{name: _changes(values) for name, values in columns.items()}, "objects": objects},
    }


def _unpack(row: dict[str, Any]) -> Attempt:
    num, packed, aim = row.pop("num_steps") + 1, row.pop("trace"), row.pop("aim")
    objects = {name: _expand(changes, num) for name, changes in packed.pop("objects").items()}
    columns = {name: _expand(changes, num) for name, changes in packed.items()}
    trace = tuple(
        Moment(
            tool=_m(columns["tool"][i]),
            closed=columns["closed"][i],
            held=columns["held"][i],
            touched=frozenset(columns["touched"][i]),
            objects={name: _m(values[i]) for name, values in objects.items()},
            lit=frozenset(columns["lit"][i]),
        )
        for i in range(num)
    )
    names = {field: frozenset(aim[field]) for field in ("objects", "goals")}
    return Attempt(**row, aim=Aim(**{**aim, **names}), trace=trace)


def _changes(values: Sequence[Any]) -> list[list[Any]]:
    return [[i, value] for i, value in enumerate(values) if i == 0 or value != values[i - 1]]


def _expand(changes: Sequence[Sequence[Any]], num: int) -> list[Any]:
    ends = [start for start, _ in changes[1:]] + [num]
    return [value for (start, value), end in zip(changes, ends, strict=True) for _ in range(start, end)]


def _mm(point: np.ndarray) -> list[int]:
    return [round(1000 * float(x)) for x in point]


def _m(point: Sequence[int]) -> np.ndarray:
    return np.array(point) / 1000
