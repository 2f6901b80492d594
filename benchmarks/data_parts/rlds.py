"""Records a CPU second from RLDS files, against the ``tfrecord`` package."""

import json
import tempfile
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from io import FileIO
from pathlib import Path

from data_parts.beside import Row, Side, compare, cpu_seconds

from robovlms.data.rlds.example import parse_example
from robovlms.data.rlds.folder import RLDSDataset
from robovlms.data.rlds.tfrecord import read_record, record_places

TRAINED_ON = {"steps/observation/image_0": "byte", "steps/observation/state": "float", "steps/action": "float"}
TRAINED_ON |= {"steps/language_instruction": "byte"}


def measure(bridge: Path | None, python: Path | None, gigabytes: float, rounds: int) -> list[Row]:
    """Flat arrays as the package gives them, those of one camera only, and all in the shapes of ``features.json``."""
    kinds = (("all arrays", parsed, None), ("one camera", parsed, TRAINED_ON), ("shaped, checked", shaped, None))
    if bridge is None or python is None:
        reason = "skipped: give --bridge and --tfrecord-python"
        return [Row(f"RLDS records, {name}", detail=reason) for name, _, _ in kinds]
    with tempfile.TemporaryDirectory() as scratch:
        folder = repeated(bridge, Path(scratch), gigabytes * 1e9)
        with Side(python, "tfrecord_package.py", next(folder.glob("*.tfrecord-*"))) as side:
            return [_row(f"RLDS records, {name}", folder, read, side, wanted, rounds) for name, read, wanted in kinds]


def parsed(folder: Path, wanted: Collection[str] | None) -> Iterator[Mapping[str, object]]:
    """Flat arrays of every record by name, checksums compared."""
    path = next(folder.glob("*.tfrecord-*"))
    with FileIO(path) as file:
        for place in record_places(path):
            found = parse_example(read_record(file, place), place, wanted)
            yield found if wanted is None else {name: found[name] for name in wanted}


def shaped(folder: Path, wanted: Collection[str] | None) -> Iterator[Mapping[str, object]]:
    """The same in the shapes and types that ``features.json`` states, and texts decoded; images stay files."""
    dataset = RLDSDataset(folder)
    return (dataset.read(index, wanted) for index in range(len(dataset)))


def _row(what: str, folder: Path, read, side: Side, wanted: dict[str, str] | None, rounds: int) -> Row:
    mine, theirs = sorted(next(iter(read(folder, wanted)))), sorted(side.ask(names=True, wanted=wanted)["names"])
    if mine != theirs:
        raise SystemExit(f"The two sides read other arrays: {mine} against {theirs}.")
    count = sum(1 for _ in read(folder, wanted))
    ours = lambda: count / cpu_seconds(lambda: deque(read(folder, wanted), maxlen=0))  # noqa: E731
    return compare(ours, lambda: count / side.ask(wanted=wanted)["cpu_s"], rounds).row(what, "records", 1)


def repeated(bridge: Path, folder: Path, size: float) -> Path:
    """The sample, its records again and again in one file of ``size`` bytes."""
    info = json.loads((bridge / "dataset_info.json").read_text())
    split = next(split for split in info["splits"] if split["name"] == "train")
    file = next(bridge.glob("*train.tfrecord-*"))
    times = max(1, round(size / file.stat().st_size))
    split["shardLengths"] = [str(times * sum(map(int, split["shardLengths"])))]
    (folder / "dataset_info.json").write_text(json.dumps(info))
    (folder / "features.json").write_bytes((bridge / "features.json").read_bytes())
    data = file.read_bytes()
    with (folder / file.name).open("wb") as out:
        for _ in range(times):
            out.write(data)
    return folder
