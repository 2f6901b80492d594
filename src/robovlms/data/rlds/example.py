"""``tf.Example`` messages, without TensorFlow or protobuf.

An ``Example`` is a mapping of names to features; a feature is a list of bytes, of float32 or of int64. Protobuf writes
a field as a tag, ``number << 3 | wire type``, and its content; a message, a text and a packed list have their length in
front. Source: tensorflow/core/example/{example,feature}.proto. Written for speed: a record is walked once, what is not
wanted is stepped over, and packed numbers are read by numpy.
"""

from collections.abc import Collection
from typing import Any

import numpy as np

from robovlms.core.errors import CorruptData

_FIRST, _SECOND = 0x0A, 0x12
"""Tags of fields 1 and 2 whose content has its length in front."""
_BYTES, _FLOATS, _INTEGERS = 0x0A, 0x12, 0x1A
"""Tags of a feature's three kinds of list."""
_FLOAT, _INTEGER = 0x0D, 0x08
"""Tags of the entries of a list of numbers that is not packed."""
_LONGEST_VARINT = 10

Value = list[bytes] | np.ndarray
Example = dict[str, Value]
Buffer = bytes | memoryview


def parse_example(data: Buffer, where: object, wanted: Collection[str] | None = None) -> Example:
    """The features of a serialised ``tf.Example``: lists of bytes, or float32 and int64 arrays.

    Of features that are not ``wanted`` only the names are read, and their values are empty; None wants all.

    Raises:
        CorruptData: The bytes are no ``tf.Example``; the message starts with ``where``, which names the record.
    """
    try:
        return _example(data, wanted)
    except (IndexError, ValueError) as error:
        raise CorruptData(f"{where}: not a tf.Example ({error!r}). Copy the file again.") from None


def _example(data: Buffer, wanted: Collection[str] | None) -> Example:
    """A field 1 holds the mapping; an entry of it is a field 1, with the name in field 1 and the feature in field 2."""
    found: Example = {}
    for start, stop in _messages(data, 0, len(data)):
        for begin, end in _messages(data, start, stop):
            at, until = begin + 2 + data[begin + 1], end
            if data[begin] == _FIRST and at < end and data[at] == _SECOND:
                name = str(data[begin + 2 : at], "utf-8")
            else:
                name, at, until = _unordered(data, begin, end)
            found[name] = _feature(data, at, until) if wanted is None or name in wanted else []
    return found


def _unordered(data: Buffer, at: int, end: int) -> tuple[str, int, int]:
    """The name of an entry, and start and stop of its feature: protobuf allows them in any order."""
    fields: dict[int, tuple[int, int]] = {}
    while at < end:
        length, start = _varint(data, at + 1)
        fields[data[at]] = at, start + length
        at = start + length
    if at > end or fields.keys() != {_FIRST, _SECOND}:
        raise ValueError(f"tags {list(fields)} in an entry of a mapping")
    start, stop = fields[_FIRST]
    return str(data[_only(data, start, stop) : stop], "utf-8"), *fields[_SECOND]


def _feature(data: Buffer, at: int, end: int) -> Value:
    """The values of a feature whose field starts at ``at``."""
    at = _only(data, at, end)
    if at == end:
        return []
    kind, at = data[at], _only(data, at, end)
    if kind == _BYTES:
        return _items(data, at, end)
    if kind == _FLOATS:
        return np.frombuffer(b"".join(_items(data, at, end, _FLOAT)), "<f4")
    if kind == _INTEGERS:
        return _varints(b"".join(_items(data, at, end, _INTEGER)))
    raise ValueError(f"a feature of kind {kind >> 3}")


def _only(data: Buffer, at: int, end: int) -> int:
    """Where the content of the field at ``at`` starts; it must last until ``end``."""
    length, start = data[at + 1], at + 2
    if length >= 0x80:
        length, start = _varint(data, at + 1)
    if start + length != end:
        raise ValueError("a field that does not fill its message")
    return start


def _messages(data: Buffer, at: int, end: int) -> list[tuple[int, int]]:
    """Start and stop of each field 1 of a message that has no others."""
    found = []
    while at < end:
        if data[at] != _FIRST:
            raise ValueError(f"tag {data[at]:#x}")
        length, at = data[at + 1], at + 2
        if length >= 0x80:
            length, at = length + (data[at] << 7) - 0x80, at + 1
            if length >= 0x4000:  # longer than two bytes
                length, at = _varint(data, at - 2)
        found.append((at, at + length))
        at += length
    if at > end:
        raise ValueError("a field longer than its message")
    return found


def _items(data: Buffer, at: int, end: int, scalar: int | None = None) -> list[bytes]:
    """Content of each field 1 of a list; ``scalar`` is the tag of a number that may stand alone."""
    found: list[Any] = []
    while at < end:
        if data[at] == _FIRST:
            length, at = data[at + 1], at + 2
            if length >= 0x80:
                length, at = length + (data[at] << 7) - 0x80, at + 1
                if length >= 0x4000:  # longer than two bytes
                    length, at = _varint(data, at - 2)
            stop = at + length
        elif data[at] == scalar:
            at += 1
            stop = at + 4 if scalar == _FLOAT else _varint(data, at)[1]
        else:
            raise ValueError(f"tag {data[at]:#x} in a list")
        found.append(data[at:stop])
        at = stop
    if at > end:
        raise ValueError("an item longer than its list")
    return found if isinstance(data, bytes) else list(map(bytes, found))


def _varint(data: Buffer, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where it ends."""
    value, shift = data[at] & 0x7F, 0
    while data[at] >= 0x80:
        at, shift = at + 1, shift + 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
        value |= (data[at] & 0x7F) << shift
    return value, at + 1


def _varints(run: bytes) -> np.ndarray:
    """All numbers of a packed run at once: raw images are stored like this."""
    data = np.frombuffer(run, np.uint8)
    if run.isascii():  # every number is one byte: flags are stored like this
        return data.astype(np.int64)
    ends = np.flatnonzero(data < 0x80)
    if not len(ends) or ends[-1] != len(data) - 1:
        raise ValueError("a number longer than its message")
    lengths = np.diff(ends, prepend=-1)
    if lengths.max() > _LONGEST_VARINT:
        raise ValueError("a number of more than 64 bits")
    starts = ends - lengths + 1
    shifts = 7 * (np.arange(len(data)) - np.repeat(starts, lengths))
    return np.add.reduceat((data & 0x7F).astype(np.uint64) << shifts.astype(np.uint64), starts).astype(np.int64)
