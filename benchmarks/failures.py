"""How often the rules of `robovlms.evaluation.failures` agree with a labeller: the tables of docs/failures.md.

    python benchmarks/failures.py [--half tuned|fresh] [--trained] [--disagreements]
    python benchmarks/failures.py --record POLICY [--scene D] [--first 0] [--chains 20] --out DIR

The first reads what is committed in failure_parts/: traces of failed attempts, and labels given by one labeller before
there were rules. `tuned` is the half that thresholds were changed on afterwards, `fresh` the other. The second records
attempts of a checkpoint, a `baseline:NAME` or an `expert:MISTAKE`, and sheets to label them from.
"""

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from failure_parts.traces import LABELS, Attempt, read, write

from robovlms.evaluation.failures import FAILURES, failure_of
from robovlms.statistics.intervals import wilson
from robovlms.worlds.tabletop.conventions import RATE_HZ

PER_SHEET = 5


def half_of(attempt_id: str) -> str:
    """Which half an attempt is in, by a hash of its id."""
    return ("tuned", "fresh")[hashlib.sha256(attempt_id.encode()).digest()[0] % 2]


def compare(half: str | None, trained: bool) -> dict[str, tuple[str, str]]:
    """The label and the rules' name of each attempt."""
    labels: Mapping[str, str] = json.loads(LABELS.read_text())
    chosen = [one for one in read() if half in (None, half_of(one.id)) and not (trained and ":" in one.policy)]
    return {one.id: (labels[one.id], failure_of(one.aim, one.trace, RATE_HZ)) for one in chosen}


def kappa(pairs: list[tuple[str, str]]) -> float:
    """Cohen's kappa: agreement beyond what the two would have by chance."""
    by_chance = sum(Counter(a for a, _ in pairs)[name] * Counter(b for _, b in pairs)[name] for name in FAILURES)
    chance = by_chance / len(pairs) ** 2
    return (sum(a == b for a, b in pairs) / len(pairs) - chance) / (1 - chance)


def table(pairs: list[tuple[str, str]]) -> str:
    """Markdown: a row for each label, a column for each name by the rules."""
    counts = Counter(pairs)
    rows = [("labelled \\ rules", *FAILURES, "found", "right"), ("---",) * (len(FAILURES) + 3)]
    for name in FAILURES:
        mine, theirs = (sum(pair[side] == name for pair in pairs) for side in (0, 1))
        both = counts[name, name]
        cells = (str(counts[name, other] or "") for other in FAILURES)
        rows.append((f"`{name}`", *cells, f"{both} of {mine}", f"{both} of {theirs}"))
    agreed = wilson(sum(a == b for a, b in pairs), len(pairs))
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    interval = f"[{agreed.low:.0%}, {agreed.high:.0%}]"
    return f"{lines}\n\n{len(pairs)} attempts: agreement {agreed.value:.0%} {interval}, kappa {kappa(pairs):.2f}"


def record(policy: str, scene: str, first: int, num: int, out: Path) -> None:
    """Keep the failed attempts of some chains."""
    from failure_parts.record import failures
    from failure_parts.sheet import sheet

    out.mkdir(parents=True)
    seen = list(failures(policy, policy, scene, first, num))
    attempts: list[Attempt] = [one.attempt for one in seen]
    write(attempts, out / "traces.jsonl")
    for start in range(0, len(seen), PER_SHEET):
        sheet(seen[start : start + PER_SHEET]).save(out / f"sheet-{start // PER_SHEET:02d}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("tuned", "fresh"))
    parser.add_argument("--trained", action="store_true", help="only trained policies: no baselines, no experts")
    parser.add_argument("--disagreements", action="store_true")
    parser.add_argument("--record", metavar="POLICY")
    parser.add_argument("--scene", default="D")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--chains", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("runs/failures"))
    given = parser.parse_args()
    if given.record:
        record(given.record, given.scene, given.first, given.chains, given.out)
    else:
        found = compare(given.half, given.trained)
        print(table(list(found.values())))
        if given.disagreements:
            print("\n".join(f"{name}: {one}, rules {other}" for name, (one, other) in found.items() if one != other))
