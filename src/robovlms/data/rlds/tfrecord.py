"""TFRecord files and the ``tf.Example`` messages in them, without TensorFlow or protobuf.

A record is ``length (uint64) | crc of length | data | crc of data``, little-endian, with masked CRC-32C; both sums are
checked. Source: tensorflow/core/lib/io/record_writer.h and tensorflow/core/example/{example,feature}.proto.
"""

import mmap
import struct
from collections.abc import Collection
from pathlib import Path
from typing import Any

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
Buffer = bytes | memoryview
Stop = Any
Field = tuple[int, int, Stop]
_NUMBER: Stop = object()


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


def parse_example(data: Buffer, where: str, wanted: Collection[str] | None = None) -> Example:
    """The features of a serialised ``tf.Example``: lists of bytes, or float32 and int64 arrays.

    Of features that are not ``wanted`` only the names are read, and their values are empty; None wants all.

    Raises:
        CorruptData: The bytes are no ``tf.Example``; the message starts with ``where``.
    """
    found: Example = {}
    try:
        for _, start, stop in _fields(data, 0, len(data)):
            for _, begin, until in _fields(data, start, stop):
                name, value = _entry(data, begin, until, wanted)
                found[name] = value
    except (IndexError, ValueError, TypeError, struct.error) as error:
        raise CorruptData(f"{where}: not a tf.Example ({error!r}). Copy the file again.") from None
    return found


def _entry(data: Buffer, at: int, end: Stop, wanted: Collection[str] | None) -> tuple[str, Value]:
    """Name and values: fields 1 and 2 of an entry of a mapping."""
    first, second = _fields(data, at, end)
    (key, start, stop), (kind, begin, until) = (first, second) if first[0] == 1 else (second, first)
    if key != 1 or kind != 2:
        raise ValueError(f"fields {key} and {kind} of a mapping")
    name = str(data[start:stop], "utf-8")
    return name, _feature(data, begin, until) if wanted is None or name in wanted else []


def _feature(data: Buffer, at: int, end: Stop) -> Value:
    for kind, start, stop in _fields(data, at, end):
        if kind == 1:
            return [bytes(data[begin:until]) for _, begin, until in _fields(data, start, stop)]
        if kind == 2:  # packed values are one run of bytes, unpacked ones four bytes each
            return np.frombuffer(b"".join([data[begin:until] for _, begin, until in _fields(data, start, stop)]), "<f4")
        if kind == 3:
            return _integers(data, _fields(data, start, stop))
    return []


def _integers(data: Buffer, values: list[Field]) -> np.ndarray:
    """Packed values are one run of bytes, unpacked ones a number each."""
    found = [
        np.array([start], np.uint64) if stop is _NUMBER else _varints(bytes(data[start:stop]))
        for _, start, stop in values
    ]
    one = found[0] if len(found) == 1 else np.concatenate([np.empty(0, np.uint64), *found])
    return one.astype(np.int64)


def _varints(run: bytes) -> np.ndarray:
    """All numbers of a packed run at once: raw images are stored like this."""
    data = np.frombuffer(run, np.uint8)
    if run.isascii():  # every number is one byte: flags are stored like this
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


def _fields(data: Buffer, at: int, end: Stop) -> list[Field]:
    """Field number, start and stop of each field of a protobuf message; wire types 0, 1, 2 and 5.

    Of a number the start is its value and the stop ``_NUMBER``, which raises ``TypeError`` wherever a message belongs.
    """
    found: list[Field] = []
    while at < end:
        key = data[at]
        at += 1
        if key >= 0x80:
            key, at = _varint(data, at - 1)
        wire = key & 7
        if wire == 2:
            length = data[at]
            at += 1
            if length >= 0x80:
                length, at = _varint(data, at - 1)
        elif wire == 0:
            value, at = _varint(data, at)
            found.append((key >> 3, value, _NUMBER))
            continue
        elif wire in _FIXED:
            length = _FIXED[wire]
        else:
            raise ValueError(f"wire type {wire}")
        stop = at + length
        if stop > end:
            raise ValueError("a field longer than its message")
        found.append((key >> 3, at, stop))
        at = stop
    return found


def _varint(data: Buffer, at: int) -> tuple[int, int]:
    value, shift = data[at] & 0x7F, 0
    while data[at] >= 0x80:
        at, shift = at + 1, shift + 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
        value |= (data[at] & 0x7F) << shift
    return value, at + 1
