"""TFRecord files and the ``tf.Example`` messages in them, without TensorFlow or protobuf.

A record is ``length (uint64) | crc of length | data | crc of data``, little-endian, with masked CRC-32C; both sums are
checked. Source: tensorflow/core/lib/io/record_writer.h and tensorflow/core/example/{example,feature}.proto.
"""

import mmap
import struct
from collections.abc import Collection
from pathlib import Path

import google_crc32c
import numpy as np

from robovlms.core.errors import CorruptData

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
_MASK_DELTA = 0xA282EAD8
_LONGEST_VARINT = 10
_FIXED = {1: 8, 5: 4}

Value = list[bytes] | np.ndarray
Example = dict[str, Value]


def record_offsets(path: Path) -> list[int]:
    """Where each record of a file starts; reads the lengths only.

    Raises:
        CorruptData: The file is missing or cut short, or a length is damaged; names file and record.
    """
    if not path.is_file():
        raise CorruptData(f"{path} is missing. The data set is incomplete: copy it again.")
    size, offsets, at = path.stat().st_size, [], 0
    with path.open("rb") as file:
        while at < size:
            offsets.append(at)
            file.seek(at)
            length = _length(file.read(_HEADER.size), path, len(offsets) - 1)
            at += _HEADER.size + length + _FOOTER.size
    if at > size:
        raise _truncated(path, len(offsets) - 1)
    return offsets


def read_record(path: Path, offset: int, number: int) -> bytes:
    """The data of the record at ``offset``; ``number`` is only for messages.

    Raises:
        CorruptData: The record is cut short, or its checksum does not match; names file and record.
    """
    with path.open("rb") as file:
        file.seek(offset)
        length = _length(file.read(_HEADER.size), path, number)
        data, footer = file.read(length), file.read(_FOOTER.size)
    if len(data) < length or len(footer) < _FOOTER.size:
        raise _truncated(path, number)
    if masked_crc(data) != _FOOTER.unpack(footer)[0]:
        raise CorruptData(f"{path}, record {number}: the checksum does not match, the data is damaged. Copy it again.")
    return data


def skim_record(path: Path, offset: int, number: int) -> memoryview:
    """The data of the record at ``offset``, mapped: what nobody looks at is not read, so its checksum is not verified.

    Raises:
        CorruptData: The length is damaged; names file and record.
    """
    with path.open("rb") as file:
        mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    start = offset + _HEADER.size
    return mapped[start : start + _length(bytes(mapped[offset:start]), path, number)]


def masked_crc(data: bytes) -> int:
    """CRC-32C of ``data``, rotated and offset as TFRecord wants it."""
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def _length(header: bytes, path: Path, number: int) -> int:
    if len(header) < _HEADER.size:
        raise _truncated(path, number)
    length, crc = _HEADER.unpack(header)
    if masked_crc(header[:8]) != crc:
        raise CorruptData(
            f"{path}, record {number}: the length is damaged, or this is no TFRecord file. Copy it again."
        )
    return length


def _truncated(path: Path, number: int) -> CorruptData:
    return CorruptData(f"{path}, record {number}: the file ends inside this record. Copy it again.")


def parse_example(data: bytes | memoryview, where: str, wanted: Collection[str] | None = None) -> Example:
    """The features of a serialised ``tf.Example``: lists of bytes, or float32 and int64 arrays.

    Of features that are not ``wanted`` only the names are read, and their values are empty; None wants all.

    Raises:
        CorruptData: The bytes are no ``tf.Example``; the message starts with ``where``.
    """
    try:
        entries = (entry for _, features in _fields(memoryview(data)) for _, entry in _fields(_message(features)))
        return dict(_entry(_message(entry), wanted) for entry in entries)
    except (IndexError, ValueError, TypeError, struct.error) as error:
        raise CorruptData(f"{where}: not a tf.Example ({error!r}). Copy the file again.") from None


def _entry(entry: memoryview, wanted: Collection[str] | None) -> tuple[str, Value]:
    parts = dict(_fields(entry))
    name = bytes(_message(parts[1])).decode()
    return name, _feature(_message(parts[2])) if wanted is None or name in wanted else []


def _feature(feature: memoryview) -> Value:
    for kind, values in _fields(feature):
        if kind == 1:
            return [bytes(_message(value)) for _, value in _fields(_message(values))]
        if kind == 2:
            return _floats(_message(values))
        if kind == 3:
            return _integers(_message(values))
    return []


def _floats(message: memoryview) -> np.ndarray:
    """Packed values are one run of bytes, unpacked ones four bytes each: both are concatenated."""
    return np.frombuffer(b"".join(_message(value) for _, value in _fields(message)), "<f4")


def _integers(message: memoryview) -> np.ndarray:
    """Packed values are one run of bytes, unpacked ones a number each."""
    values = (value for _, value in _fields(message))
    found = [np.array([v], np.uint64) if isinstance(v, int) else _varints(v) for v in values]
    one = found[0] if len(found) == 1 else np.concatenate([np.empty(0, np.uint64), *found])
    return one.astype(np.int64)


def _varints(message: memoryview) -> np.ndarray:
    """All numbers of a packed run at once: raw images are stored like this."""
    data = np.frombuffer(message, np.uint8)
    if bytes(message).isascii():  # every number is one byte: flags are stored like this
        return data
    ends = np.flatnonzero(data < 0x80)
    if not len(ends) or ends[-1] != len(data) - 1:
        raise ValueError("a number longer than its message")
    lengths = np.diff(ends, prepend=-1)
    if lengths.max() > _LONGEST_VARINT:
        raise ValueError("a number of more than 64 bits")
    starts = ends - lengths + 1
    shifts = 7 * (np.arange(len(data)) - np.repeat(starts, lengths))
    return np.add.reduceat((data & 0x7F).astype(np.uint64) << shifts.astype(np.uint64), starts)


def _message(value: memoryview | int) -> memoryview:
    if isinstance(value, int):
        raise TypeError("a number where a message belongs")
    return value


def _fields(message: memoryview) -> list[tuple[int, memoryview | int]]:
    """Field numbers and contents of a protobuf message; wire types 0, 1, 2 and 5."""
    found: list[tuple[int, memoryview | int]] = []
    at, end = 0, len(message)
    while at < end:
        key, at = message[at], at + 1
        if key >= 0x80:
            key, at = _varint(message, at - 1)
        wire = key & 7
        if wire == 2:
            length, at = message[at], at + 1
            if length >= 0x80:
                length, at = _varint(message, at - 1)
        elif wire == 0:
            value, at = _varint(message, at)
            found.append((key >> 3, value))
            continue
        elif wire in _FIXED:
            length = _FIXED[wire]
        else:
            raise ValueError(f"wire type {wire}")
        if at + length > end:
            raise ValueError("a field longer than its message")
        found.append((key >> 3, message[at : at + length]))
        at += length
    return found


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a number of more than 64 bits")
