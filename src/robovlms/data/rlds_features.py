"""``features.json`` of a TensorFlow data set: which arrays a record holds, and how to turn them into numpy.

Source: tensorflow_datasets/proto/feature.proto. A nested data set (the ``steps``) stores each leaf as one run of all
steps under the path of the leaf, for example ``steps/observation/state`` with 10 x 7 floats.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from robovlms.core.errors import CorruptData, UserError
from robovlms.data.tfrecord import Value

STEPS = "steps/"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One array of a record. ``per_step`` leaves have one entry for each step."""

    path: str
    kind: Literal["tensor", "image", "text"]
    shape: tuple[int, ...]
    dtype: str
    encoding: str
    per_step: bool

    def decode(self, value: Value, where: str) -> Any:
        """Numpy array (n, *shape) of a tensor, list of text, or list of image files; n is 1 outside steps.

        Raises:
            CorruptData: The number of values does not fit the shape.
        """
        if self.kind == "image":
            return self._bytes(value, where)
        if self.kind == "text" or self.dtype == "string":
            return [text.decode("utf-8", errors="replace") for text in self._bytes(value, where)]
        if self.encoding != "none":
            return np.stack([self._encoded(item, where) for item in self._bytes(value, where)])
        size = int(np.prod(self.shape))
        if not isinstance(value, np.ndarray) or size == 0 or len(value) % size:
            raise CorruptData(f"{where}: '{self.path}' holds {len(value)} values, expected a multiple of {size}.")
        return value.reshape(-1, *self.shape).astype(self.dtype)

    def _bytes(self, value: Value, where: str) -> list[bytes]:
        if isinstance(value, np.ndarray):
            raise CorruptData(f"{where}: '{self.path}' holds numbers, expected bytes.")
        return value

    def _encoded(self, item: bytes, where: str) -> np.ndarray:
        try:
            raw = zlib.decompress(item) if self.encoding == "zlib" else item
            return np.frombuffer(raw, self.dtype).reshape(self.shape)
        except (zlib.error, ValueError) as error:
            raise CorruptData(f"{where}: '{self.path}' does not hold shape {self.shape} ({error}).") from None


def parse_features(description: Mapping[str, Any]) -> dict[str, Leaf]:
    """Every leaf of a ``features.json`` by path.

    Raises:
        UserError: A feature is of a kind robot data sets do not use (ragged, video, translation ...).
    """
    return {leaf.path: leaf for leaf in _leaves(description, "", per_step=False)}


def _leaves(node: Mapping[str, Any], path: str, per_step: bool) -> Iterator[Leaf]:
    if "featuresDict" in node:
        for name, child in node["featuresDict"]["features"].items():
            yield from _leaves(child, f"{path}/{name}".lstrip("/"), per_step)
    elif "sequence" in node and not per_step:
        yield from _leaves(node["sequence"]["feature"], path, per_step=True)
    elif "text" in node:
        yield Leaf(path, "text", (), "string", "none", per_step)
    elif "classLabel" in node:
        yield Leaf(path, "tensor", (), "int64", "none", per_step)
    elif "image" in node:
        yield Leaf(path, "image", _shape(node["image"], path), "uint8", "none", per_step)
    elif "tensor" in node and (encoding := node["tensor"].get("encoding", "none").lower()) in ("none", "bytes", "zlib"):
        tensor = node["tensor"]
        yield Leaf(path, "tensor", _shape(tensor, path), tensor["dtype"], encoding, per_step)
    else:
        name = node.get("pythonClassName", "a nameless class").rsplit(".", 1)[-1]
        raise UserError(f"Feature '{path}' is of kind {name}, which is not supported. Convert the data set first.")


def _shape(node: Mapping[str, Any], path: str) -> tuple[int, ...]:
    """Sizes of a feature; an image may have any height and width, which its file tells."""
    dimensions = tuple(int(size) for size in node.get("shape", {}).get("dimensions", ()))
    if "encodingFormat" not in node and any(size < 0 for size in dimensions):
        raise UserError(f"Feature '{path}' has no fixed shape {dimensions}, which is not supported.")
    return dimensions
