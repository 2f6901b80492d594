"""Reads RLDS data sets (Open X-Embodiment, BridgeData ...) as TensorFlow Datasets stores them, without TensorFlow.

``RLDSDataset`` knows the format only; what the numbers of a particular data set mean is in ``oxe``. The reader is
strict: a truncated or damaged record is an error that names the file and the record.
"""

from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from robovlms.core.config import digest_of
from robovlms.core.errors import CorruptData, UnknownName, UserError
from robovlms.core.files import read_json
from robovlms.data.rlds.example import parse_example
from robovlms.data.rlds.features import STEPS, Leaf, parse_features
from robovlms.data.rlds.tfrecord import Place, read_record, record_places, skim_record

Record = dict[str, Any]


class RLDSDataset:
    """The records of one split. Opening reads ``features.json``, ``dataset_info.json`` and the record lengths."""

    def __init__(self, path: Path | str, split: str = "train"):
        """Open a split.

        Args:
            path: The version folder, which holds ``features.json``.
            split: Name of a split in ``dataset_info.json``.

        Raises:
            CorruptData: A file is missing or cut short, or holds another number of records than stated.
            UnknownName: There is no such split.
        """
        self.path, self.split = Path(path), split
        if not self.path.is_dir():
            raise UserError(f"Data set {self.path} does not exist, or is no folder. Check the path.")
        self.info = read_json(self.path / "dataset_info.json")
        with _describing(self.path / "features.json"):
            self.leaves = parse_features(read_json(self.path / "features.json"))
        self._keys = {key for leaf in self.leaves.values() for key in leaf.keys}
        self.name: str = self.info.get("name", self.path.parent.name)
        if self._format != "tfrecord":
            raise UserError(f"{self.path} is stored as {self._format}, expected tfrecord. Convert the data set first.")
        with _describing(self.path / "dataset_info.json"):
            files = self._files()
        self._records = [place for file, number in files.items() for place in _counted(file, number)]
        if not self._records:
            raise CorruptData(f"{self.path / 'dataset_info.json'}: split '{split}' holds no record. Copy it again.")

    def __len__(self) -> int:
        return len(self._records)

    def where(self, index: int) -> str:
        """File and number of a record, for messages."""
        return str(self._records[index])

    def leaf(self, path: str) -> Leaf:
        """The description of an array by path, for example ``steps/observation/image_0``."""
        if path not in self.leaves:
            raise UnknownName("feature", path, self.leaves)
        return self.leaves[path]

    def read(self, index: int, paths: Collection[str] | None = None) -> Record:
        """The arrays of a record by path, all when ``paths`` is None; images stay files (see ``images.decode_image``).

        Raises:
            CorruptData: The record is damaged, an array is missing, or steps differ in number.
            UnknownName: There is no array of that path.
        """
        place = self._records[index]
        with FileIO(place.path) as file:
            return self._arrays(read_record(file, place), place, paths)

    def skim(self, index: int, paths: Collection[str]) -> Record:
        """``read`` for a look at a few small arrays: the rest of the record is not read from disk, nor its checksum."""
        place = self._records[index]
        return self._arrays(skim_record(place), place, paths)

    def fingerprint(self) -> str:
        """Changes when the data set changes: a digest of the descriptions and of the sizes of the files."""
        meta = [(self.path / name).read_bytes() for name in ("features.json", "dataset_info.json")]
        sizes = [f"{file.name} {file.stat().st_size}" for file in self._files()]
        return digest_of(b"".join(meta) + "\n".join(sizes).encode())

    def _arrays(self, data: bytes | memoryview, where: Place, paths: Collection[str] | None) -> Record:
        leaves = self.leaves if paths is None else {path: self.leaf(path) for path in paths}
        wanted = self._keys if paths is None else {key for leaf in leaves.values() for key in leaf.keys}
        example = parse_example(data, where, wanted)
        if missing := self._keys - example.keys():
            names = sorted(missing)
            raise CorruptData(f"{where}: {names} missing, but listed in features.json. Copy the data set again.")
        record = {path: leaf.decode(example, where) for path, leaf in leaves.items()}
        lengths = {path: len(record[path]) for path, leaf in leaves.items() if leaf.per_step}
        if len(set(lengths.values())) > 1:
            raise CorruptData(f"{where}: the steps differ in number: {lengths}. Copy the data set again.")
        return record

    def _files(self) -> dict[Path, int]:
        """Every file of the split and how many records it should hold."""
        splits = {split["name"]: split for split in self.info.get("splits", ())}
        if self.split not in splits:
            raise UnknownName("split", self.split, splits)
        lengths = [int(length) for length in splits[self.split]["shardLengths"]]
        return {self.path / self._file_name(splits[self.split], i, len(lengths)): n for i, n in enumerate(lengths)}

    @property
    def _format(self) -> str:
        return self.info.get("fileFormat") or "tfrecord"

    def _file_name(self, split: Mapping[str, Any], shard: int, shards: int) -> str:
        template = split.get("filepathTemplate") or "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
        parts = {"DATASET": self.name, "SPLIT": self.split, "FILEFORMAT": self._format, "NUM_SHARDS": f"{shards:05d}"}
        parts |= {"SHARD_INDEX": f"{shard:05d}", "SHARD_X_OF_Y": f"{shard:05d}-of-{shards:05d}"}
        try:
            name = template.format(**parts)
        except (KeyError, IndexError, ValueError) as error:
            raise CorruptData(f"{self.path / 'dataset_info.json'}: template '{template}' has {error!r}.") from None
        if Path(name).name != name:
            raise CorruptData(f"{self.path / 'dataset_info.json'}: template '{template}' leaves the folder.")
        return name


def steps_of(record: Record) -> Record:
    """The arrays of the steps, without their prefix."""
    return {path.removeprefix(STEPS): value for path, value in record.items() if path.startswith(STEPS)}


@contextmanager
def _describing(file: Path) -> Generator[None]:
    """Turn what a description of another form than TFDS writes ends in into ``CorruptData``."""
    try:
        yield
    except UserError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise CorruptData(f"{file} is not as TFDS writes it ({error!r}). Copy or create it again.") from None


def _counted(file: Path, expected: int) -> list[Place]:
    places = record_places(file)
    if len(places) != expected:
        raise CorruptData(f"{file}: got {len(places)} records, but dataset_info.json says {expected}. Copy it again.")
    return places
