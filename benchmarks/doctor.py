"""Which mistakes the doctor notices: each is made on purpose in demonstrations of our worlds and in other data.

    python benchmarks/doctor.py [--worlds tabletop metaworld] [--episodes 60] [--seeds 3] [--replay] [--data PATH ...]

Demonstrations are collected anew for every seed. A false alarm is a finding in data as it is; of data given with
``--data`` it may be true. With ``--replay`` episodes are played again, too. The last line says how many mistakes were
noticed of those that could be made.
"""

import argparse
import tempfile
from itertools import product
from pathlib import Path

from rich.console import Console

from robovlms.cli.data_doctor import table
from robovlms.data.detect import source_config
from robovlms.data.doctor.mistakes import Trials, nothing_more, trials
from robovlms.data.source import SourceConfig
from robovlms.demos.check_replay import check
from robovlms.demos.collect import Plan, collect
from robovlms.demos.metaworld import MetaWorldPlan
from robovlms.demos.tabletop import TabletopPlan
from robovlms.worlds.metaworld.tasks import MT10
from robovlms.worlds.tabletop.tasks import task_set


def plan(world: str, episodes: int, seed: int) -> Plan:
    if world == "tabletop":
        return TabletopPlan(tasks=task_set("all"), scenes="ABCD", num_episodes=episodes, seed=seed)
    return MetaWorldPlan(tasks=MT10, num_episodes=episodes, seed=seed)


def tried(name: str, config: SourceConfig, console: Console, replay: bool) -> Trials:
    found = trials(config.open(), config, also=(lambda source: check(source)[0]) if replay else nothing_more)
    console.print(f"\n{name}", style="bold")
    console.print(table(found))
    for finding in found.known:
        console.print(f"as it is: {finding.severity}: {finding.check}: {finding.seen}", markup=False)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", nargs="*", choices=("tabletop", "metaworld"), default=["tabletop"])
    parser.add_argument("--episodes", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--replay", action="store_true")
    parser.add_argument("--data", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
    console = Console(highlight=False)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for world, seed in product(arguments.worlds, range(arguments.seeds)):
            place = Path(folder) / f"{world}, seed {seed}"
            collect(plan(world, arguments.episodes, seed), place)
            found.append(tried(place.name, source_config(place, {}), console, arguments.replay))
    alarms = sum(len(one.known) for one in found)
    found += [tried(str(path), source_config(path, {}), console, arguments.replay) for path in arguments.data]
    caught, made = (sum(getattr(one, name) for one in found) for name in ("num_caught", "num_made"))
    console.print(f"noticed {caught} of {made} mistakes; false alarms on our demonstrations: {alarms}", style="bold")


if __name__ == "__main__":
    main()
