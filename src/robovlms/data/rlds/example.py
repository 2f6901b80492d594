"""``tf.Example`` messages, without TensorFlow or protobuf.

An ``Example`` is a mapping of names to features; a feature is a list of bytes, of float32 or of int64. Protobuf writes a
field as a tag, ``number << 3 | wire type``, and its content; the content of a message, a text or a packed list has its
length in front. Source: tensorflow/core/example/{example,feature}.proto. Written for speed: the fields of a record are
walked once, what is not wanted is stepped over, and packed numbers are read by numpy.
"""

from collections.abc import Collection, Iterator

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


def parse_example(data: Buffer, where: str, wanted: Collection[str] | None = None) -> Example:
    """The features of a serialised ``tf.Example``: lists of bytes, or float32 and int64 arrays.

    Of features that are not ``wanted`` only the names are read, and their values are empty; None wants all.

    Raises:
        CorruptData: The bytes are no ``tf.Example``; the message starts with ``where``.
    """
    found: Example = {}
    try:
        for start, stop in _contents(data, 0, len(data)):
            for begin, until in _contents(data, start, stop):
                name, at, end = _entry(data, begin, until)
                found[name] = _feature(data, at, end) if wanted is None or name in wanted else []
    except (IndexError, ValueError) as error:
        raise CorruptData(f"{where}: not a tf.Example ({error!r}). Copy the file again.") from None
    return found


def _entry(data: Buffer, at: int, end: int) -> tuple[str, int, int]:
    """The name, field 1 of an entry of the mapping, and where the feature, its field 2, starts and stops."""
    stop = at + 2 + data[at + 1]
    if data[at] == _FIRST and stop < end and data[stop] == _SECOND:
        return str(data[at + 2 : stop], "utf-8"), stop, end
    fields = dict(_unordered(data, at, end))
    if fields.keys() != {_FIRST, _SECOND}:
        raise ValueError(f"tags {list(fields)} in an entry of a mapping")
    start, stop = fields[_FIRST]
    return str(data[_only(data, start, stop) : stop], "utf-8"), *fields[_SECOND]


def _unordered(data: Buffer, at: int, end: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """Tag, start and stop of fields in any order, as protobuf allows them."""
    while at < end:
        length, start = _varint(data, at + 1)
        if start + length > end:
            raise ValueError("a field longer than its message")
        yield data[at], (at, start + length)
        at = start + length


def _feature(data: Buffer, at: int, end: int) -> Value:
    """The values of a feature whose field starts at ``at``."""
    at = _only(data, at, end)
    if at == end:
        return []
    kind, at = data[at], _only(data, at, end)
    if kind == _BYTES:
        items = [data[start:stop] for start, stop in _contents(data, at, end)]
        return items if isinstance(data, bytes) else list(map(bytes, items))
    if kind == _FLOATS:
        return np.frombuffer(b"".join([data[a:b] for a, b in _contents(data, at, end, _FLOAT)]), "<f4")
    if kind == _INTEGERS:
        return _varints(b"".join([data[a:b] for a, b in _contents(data, at, end, _INTEGER)]))
    raise ValueError(f"a feature of kind {kind >> 3}")


def _only(data: Buffer, at: int, end: int) -> int:
    """Where the content of the field at ``at`` starts; it must last until ``end``."""
    length, start = data[at + 1], at + 2
    if length >= 0x80:
        length, start = _varint(data, at + 1)
    if start + length != end:
        raise ValueError("a field that does not fill its message")
    return start


def _contents(data: Buffer, at: int, end: int, scalar: int | None = None) -> list[tuple[int, int]]:
    """Start and stop of what each field 1 of a message holds; ``scalar`` is the tag of a number that may stand alone."""
    found = []
    while at < end:
        tag, stop = data[at], data[at + 1]
        at += 2
        if tag == _FIRST:
            if stop >= 0x80:
                stop += (data[at] << 7) - 0x80
                at += 1
                if stop >= 0x4000:  # longer than two bytes
                    stop, at = _varint(data, at - 2)
            stop += at
        elif tag == scalar:
            at -= 1
            stop = at + 4 if tag == _FLOAT else _varint(data, at)[1]
        else:
            raise ValueError(f"tag {tag:#x}")
        if stop > end:
            raise ValueError("a field longer than its message")
        found.append((at, stop))
        at = stop
    return found


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
