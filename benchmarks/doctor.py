"""Which mistakes the doctor notices: each is made on purpose in demonstrations of the tabletop and in other data.

    python benchmarks/doctor.py [--episodes 60] [--seeds 3] [--data PATH ...]

Demonstrations are collected anew for every seed. A false alarm is a finding in data as it is; of data given with
``--data`` it may be true. The last line says how many mistakes were noticed of those that could be made.
"""

import argparse
import tempfile
from pathlib import Path

from rich.console import Console

from robovlms.cli.data_doctor import table
from robovlms.data.detect import source_config
from robovlms.data.doctor.mistakes import Trials, trials
from robovlms.data.sources import SourceConfig
from robovlms.demos.collect import collect
from robovlms.demos.tabletop import TabletopPlan
from robovlms.worlds.tabletop.tasks import task_set


def tried(name: str, config: SourceConfig, console: Console) -> Trials:
    found = trials(config.open(), config)
    console.print(f"\n{name}", style="bold")
    console.print(table(found))
    for finding in found.known:
        console.print(f"as it is: {finding.severity}: {finding.check}: {finding.seen}", markup=False)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
    console = Console(highlight=False)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.seeds):
            place = Path(folder) / f"tabletop, seed {seed}"
            collect(
                TabletopPlan(tasks=task_set("all"), scenes="ABCD", num_episodes=arguments.episodes, seed=seed), place
            )
            found.append(tried(place.name, source_config(place, {}), console))
    alarms = sum(len(one.known) for one in found)
    found += [tried(str(path), source_config(path, {}), console) for path in arguments.data]
    caught, made = (sum(getattr(one, name) for one in found) for name in ("num_caught", "num_made"))
    console.print(f"noticed {caught} of {made} mistakes; false alarms on the tabletop: {alarms}", style="bold")


if __name__ == "__main__":
    main()
