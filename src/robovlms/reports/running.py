"""How an evaluation ran, apart from what it measured: broken worlds, speed, and where the time went."""

from collections.abc import Mapping
from typing import Any

from robovlms.reports.runs import Run
from robovlms.reports.summary import find, percent

SHOWN = 5


def how_it_ran(run: Run) -> list[str]:
    """Lines about infrastructure errors and throughput; none of what a run does not tell."""
    return [line for line in (_errors(run), _faults(run), _idle_deaths(run), _speed(run)) if line]


def _errors(run: Run) -> str:
    if run.outcome is None or not run.outcome.invalid:
        return ""
    names = [episode.id for episode in run.outcome.invalid]
    total = len(names) + len(run.outcome.chains)
    more = ", ..." if len(names) > SHOWN else ""
    listed = ", ".join(names[:SHOWN])
    return (
        f"Infrastructure errors: {len(names)} of {total} episodes, not counted above: {listed}{more}. "
        "evaluate --resume plays them again."
    )


def _faults(run: Run) -> str:
    faults = run.timing.get("world_faults")
    return f"World faults: {faults} (crash, hang or nonsense), each followed by a new try." if faults else ""


def _idle_deaths(run: Run) -> str:
    deaths = run.timing.get("idle_deaths")
    return f"Idle deaths: {deaths} (workers that played nothing); what they held began anew." if deaths else ""


def _speed(run: Run) -> str:
    speeds = [run.timing.get(name) for name in ("steps_per_s", "episodes_per_h", "workers")]
    if not all(isinstance(speed, int | float) for speed in speeds):
        return ""
    words = ("control steps/s", "episodes/h", "workers")
    parts = [f"{speed:,.0f} {word}" for speed, word in zip(speeds, words, strict=True)]
    parts += [f"{side}: {_shares(shares)}" for side in ("worlds", "policy")
              if isinstance(shares := find(run.timing, f"shares.{side}"), Mapping)]  # fmt: skip
    return f"Speed: {'; '.join(parts)}"


def _shares(shares: Mapping[str, Any]) -> str:
    known = {name: share for name, share in shares.items() if isinstance(share, int | float)}
    if "simulator" in known and "render" not in known:
        known = {"simulator and render": known.pop("simulator"), **known}
    return ", ".join(f"{name} {percent(share)}" for name, share in known.items())
