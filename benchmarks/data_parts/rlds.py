"""Records a CPU second from RLDS files, against the ``tfrecord`` package."""

import json
import tempfile
from collections.abc import Collection
from pathlib import Path

from data_parts.beside import Row, Side, compare, cpu_seconds

from robovlms.data.rlds import RLDSDataset

WHATS = ("RLDS records, all arrays", "RLDS records, one camera")
TRAINED_ON = {"steps/observation/image_0": "byte", "steps/observation/state": "float", "steps/action": "float"}
TRAINED_ON |= {"steps/language_instruction": "byte"}


def measure(bridge: Path | None, python: Path | None, gigabytes: float, rounds: int) -> list[Row]:
    """All arrays, and those that a policy with one camera is trained on; or why there are none."""
    if bridge is None or python is None:
        return [Row(what, detail="skipped: give --bridge and --tfrecord-python") for what in WHATS]
    with tempfile.TemporaryDirectory() as scratch:
        dataset = RLDSDataset(repeated(bridge, Path(scratch), gigabytes * 1e9))
        file = next(Path(scratch).glob("*.tfrecord-*"))
        with Side(python, "tfrecord_package.py", file) as side:
            found = zip(WHATS, (None, TRAINED_ON), strict=True)
            return [_row(what, Path(scratch), len(dataset), side, wanted, rounds) for what, wanted in found]


def _row(what: str, folder: Path, count: int, side: Side, wanted: dict[str, str] | None, rounds: int) -> Row:
    mine, theirs = sorted(RLDSDataset(folder).read(0, wanted)), sorted(side.ask(names=True, wanted=wanted)["names"])
    if mine != theirs:
        raise SystemExit(f"The two sides read other arrays: {mine} against {theirs}.")
    ours = lambda: count / cpu_seconds(lambda: read_all(folder, wanted))  # noqa: E731
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


def read_all(folder: Path, wanted: Collection[str] | None) -> None:
    """Arrays of every record, with checksums; images stay files."""
    dataset = RLDSDataset(folder)
    for index in range(len(dataset)):
        dataset.read(index, wanted)
