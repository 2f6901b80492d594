"""TFRecord files and ``tf.Example`` messages, written: the inverse of ``tfrecord``."""

import struct
from collections.abc import Iterable, Mapping

import numpy as np

from robovlms.data.rlds.example import Value
from robovlms.data.rlds.tfrecord import masked_crc

_BYTES, _FLOATS, _INTEGERS = 1, 2, 3
_LENGTH_DELIMITED = 2


def framed(data: bytes) -> bytes:
    """A record: length, checksum of the length, data, checksum of the data."""
    length = struct.pack("<Q", len(data))
    return b"".join([length, struct.pack("<I", masked_crc(length)), data, struct.pack("<I", masked_crc(data))])


def serialize_example(features: Mapping[str, Value]) -> bytes:
    """A ``tf.Example``: lists of bytes as they are, floats as float32, whole numbers and switches as int64.

    Features are in the order of their names, so the same numbers always give the same bytes.
    """
    entries = (_field(1, name.encode()) + _field(2, _feature(features[name])) for name in sorted(features))
    return _field(1, b"".join(_field(1, entry) for entry in entries))


def _feature(value: Value) -> bytes:
    if not isinstance(value, np.ndarray):
        return _field(_BYTES, b"".join(_field(1, item) for item in value))
    if value.dtype.kind == "f":
        return _field(_FLOATS, _field(1, value.astype("<f4").tobytes()))
    return _field(_INTEGERS, _field(1, b"".join(_varints(value.ravel().astype(np.int64).view(np.uint64).tolist()))))


def _field(number: int, content: bytes) -> bytes:
    head = b"".join(_varints([number << 3 | _LENGTH_DELIMITED, len(content)]))
    return head + content


def _varints(numbers: Iterable[int]) -> Iterable[bytes]:
    for number in numbers:
        rest, out = number, bytearray()
        while rest > 0x7F:
            out.append(rest & 0x7F | 0x80)
            rest >>= 7
        out.append(rest)
        yield bytes(out)
