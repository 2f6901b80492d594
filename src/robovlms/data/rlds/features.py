"""``features.json`` of a TensorFlow data set: which arrays a record holds, and how to turn them into numpy.

Sources: ``core/proto/feature.proto``, ``core/example_serializer.py`` and ``core/features/tensor_feature.py`` of
tensorflow_datasets. A nested data set (the ``steps``) stores each leaf as one run of all steps under the path of the
leaf, for example ``steps/observation/state`` with 10 x 7 floats. A sequence inside a sequence is ragged: one run of all
values, and the lengths of its rows. A tensor with several open sizes stores its shape beside its bytes.
"""

import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from robovlms.core.errors import CorruptData, UserError
from robovlms.data.rlds.example import Example, Value

STEPS = "steps/"


@dataclass(frozen=True)
class Leaf:
    """One array of a record.

    Attributes:
        shape: Sizes of one entry; -1 where a size is open.
        encoding: ``none``, ``bytes`` or ``zlib`` of a tensor; ``png``, ``jpeg`` or ``""`` (not said) of an image.
        levels: Number of sequences around it: 0 for one entry a record, 1 for a run, more for ragged rows.
        per_step: It has one entry, or one ragged row, for each step.
    """

    path: str
    kind: Literal["tensor", "image", "text"]
    shape: tuple[int, ...]
    dtype: str
    encoding: str
    levels: int

    @cached_property
    def per_step(self) -> bool:
        """Whether it belongs to the steps."""
        return self.path.startswith(STEPS) and self.levels > 0

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The names its parts have in a ``tf.Example``: the values first."""
        if self.levels > 1:
            lengths = [f"{self.path}/ragged_row_lengths_{level}" for level in range(self.levels - 1)]
            return (f"{self.path}/ragged_flat_values", *lengths)
        return (f"{self.path}/value", f"{self.path}/shape") if self._shape_is_stored else (self.path,)

    def decode(self, example: Example, where: object) -> Any:
        """Numpy array (n, *shape) of a tensor, list of text, or list of image files; n is 1 outside sequences.

        Ragged rows and tensors of varying shape are lists of these.

        Raises:
            CorruptData: The number of values does not fit the shape, or a text is not UTF-8.
        """
        first, *rest = self.keys
        if self._shape_is_stored:
            sizes = _numbers(example[rest[0]], self.path, where)
            return self._shaped(_bytes(example[first], self.path, where), sizes, where)
        found = self._run(example[first], where)
        for lengths in reversed(rest):
            found = _rows(found, _numbers(example[lengths], self.path, where), f"{where}: '{self.path}'")
        return found

    @cached_property
    def _dtype(self) -> np.dtype:
        try:
            return np.dtype(self.dtype)
        except TypeError:
            known = "Convert it to a type of numpy first."
            raise UserError(f"Feature '{self.path}' is of type {self.dtype}, which is not supported. {known}") from None

    @cached_property
    def _size(self) -> int:
        """Numbers of one entry; where a size is open, their number is a multiple of it."""
        return abs(math.prod(self.shape))

    @cached_property
    def _run_shape(self) -> tuple[int, ...]:
        """A run of entries, or the one entry whose size is open."""
        return (1 if -1 in self.shape else -1, *self.shape)

    @cached_property
    def _shape_is_stored(self) -> bool:
        return self.kind == "tensor" and self.shape.count(-1) > 1

    def _run(self, value: Value, where: object) -> Any:
        """Values one after another, in their shape."""
        if self.kind == "image":
            return _bytes(value, self.path, where)
        if self.kind == "text" or self.dtype == "string":
            return [self._text(text, number, where) for number, text in enumerate(_bytes(value, self.path, where))]
        if self.encoding != "none":
            items = [self._encoded(item, self.shape, where) for item in _bytes(value, self.path, where)]
            return items if -1 in self.shape else np.array(items, self._dtype).reshape(-1, *self.shape)
        numbers, size = _numbers(value, self.path, where), self._size
        if size == 0 or len(numbers) % size:
            raise CorruptData(f"{where}: '{self.path}' holds {len(numbers)} values, expected a multiple of {size}.")
        return numbers.astype(self._dtype).reshape(self._run_shape)

    def _shaped(self, items: list[bytes], sizes: np.ndarray, where: object) -> list[np.ndarray]:
        if len(sizes) != len(items) * len(self.shape):
            raise CorruptData(f"{where}: '{self.path}' has {len(sizes)} sizes for {len(items)} arrays.")
        shapes = sizes.reshape(-1, len(self.shape)).tolist()
        return [self._encoded(item, tuple(shape), where) for item, shape in zip(items, shapes, strict=True)]

    def _text(self, text: bytes, number: int, where: object) -> str:
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CorruptData(
                f"{where}: entry {number} of '{self.path}' is not UTF-8 ({error}). Correct it, or leave the record out."
            ) from None

    def _encoded(self, item: bytes, shape: tuple[int, ...], where: object) -> np.ndarray:
        dtype = self._dtype
        try:
            raw = zlib.decompress(item) if self.encoding == "zlib" else item
            return np.frombuffer(raw, dtype).reshape(shape)
        except (zlib.error, ValueError) as error:
            raise CorruptData(f"{where}: '{self.path}' does not hold shape {shape} ({error}).") from None


def _rows(values: Any, lengths: np.ndarray, what: str) -> list[Any]:
    ends = np.cumsum(lengths).tolist()
    total = ends[-1] if ends else 0
    if total != len(values):
        raise CorruptData(f"{what} holds {len(values)} values, but its rows have {total}. Copy the data set again.")
    return [values[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _bytes(value: Value, path: str, where: object) -> list[bytes]:
    if isinstance(value, np.ndarray):
        raise CorruptData(f"{where}: '{path}' holds numbers, expected bytes.")
    return value


def _numbers(value: Value, path: str, where: object) -> np.ndarray:
    """An empty run has no type and is read as bytes."""
    if isinstance(value, np.ndarray):
        return value
    if value:
        raise CorruptData(f"{where}: '{path}' holds bytes, expected numbers.")
    return np.empty(0, np.int64)


def parse_features(description: Mapping[str, Any]) -> dict[str, Leaf]:
    """Every leaf of a ``features.json`` by path.

    Raises:
        UserError: A feature is of a kind robot data sets do not use (video, translation ...).
    """
    return {leaf.path: leaf for leaf in _leaves(description, "", 0)}


def _leaves(node: Mapping[str, Any], path: str, levels: int) -> Iterator[Leaf]:
    if "featuresDict" in node:
        for name, child in node["featuresDict"]["features"].items():
            yield from _leaves(child, f"{path}/{name}".lstrip("/"), levels)
    elif "sequence" in node:
        yield from _leaves(node["sequence"]["feature"], path, levels + 1)
    elif "text" in node:
        yield Leaf(path, "text", (), "string", "none", levels)
    elif "classLabel" in node:
        yield Leaf(path, "tensor", (), "int64", "none", levels)
    elif "image" in node:
        image = node["image"]
        yield Leaf(path, "image", _dimensions(image), "uint8", image.get("encodingFormat", "").lower(), levels)
    elif "tensor" in node:
        yield _tensor(node["tensor"], path, levels)
    else:
        name = node.get("pythonClassName", "a nameless class").rsplit(".", 1)[-1]
        raise UserError(f"Feature '{path}' is of kind {name}, which is not supported. Convert the data set first.")


def _tensor(node: Mapping[str, Any], path: str, levels: int) -> Leaf:
    leaf = Leaf(path, "tensor", _dimensions(node), node["dtype"], node.get("encoding", "none").lower(), levels)
    if leaf.encoding not in ("none", "bytes", "zlib"):
        raise UserError(f"Feature '{path}' is encoded as {leaf.encoding}, which is not supported. Convert it first.")
    if leaf.encoding == "none" and leaf.shape.count(-1) > (leaf.levels == 0):
        raise UserError(f"Feature '{path}' has no fixed shape {leaf.shape}, which is not supported.")
    return leaf


def _dimensions(node: Mapping[str, Any]) -> tuple[int, ...]:
    """Sizes of a feature, -1 where they are open."""
    sizes = tuple(int(size) for size in node.get("shape", {}).get("dimensions", ()))
    if any(size < -1 for size in sizes):
        raise ValueError(f"dimensions {sizes}")
    return sizes
