"""TFRecord files, without TensorFlow.

A record is ``length (uint64) | crc of length | data | crc of data``, little-endian, with masked CRC-32C; both sums are
checked. Source: tensorflow/core/lib/io/record_writer.h.
"""

import mmap
import struct
from io import FileIO
from pathlib import Path
from typing import NamedTuple

import google_crc32c

from robovlms.core.errors import CorruptData

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
_MASK_DELTA = 0xA282EAD8


class Place(NamedTuple):
    """Where the data of a record lies; ``number`` counts the records of its file, from 0."""

    path: Path
    number: int
    start: int
    stop: int

    def __str__(self) -> str:
        return f"{self.path}, record {self.number}"


def record_places(path: Path) -> list[Place]:
    """Where each record of a file lies; reads the lengths only.

    Raises:
        CorruptData: The file is missing or cut short, or a length is damaged; names file and record.
    """
    if not path.is_file():
        raise CorruptData(f"{path} is missing. The data set is incomplete: copy it again.")
    size, places, at = path.stat().st_size, [], 0
    with FileIO(path) as file:
        while at < size:
            file.seek(at)
            places.append(_place(path, len(places), at, file.read(_HEADER.size)))
            at = places[-1].stop + _FOOTER.size
    if at > size:
        raise _truncated(path, places[-1].number)
    return places


def read_record(file: FileIO, place: Place) -> bytes:
    """The data of a record; ``file`` is its file.

    Raises:
        CorruptData: The record is cut short, or its checksum does not match; names file and record.
    """
    path, number, start, stop = place
    file.seek(start)
    data, footer = file.read(stop - start), file.read(_FOOTER.size)
    if len(data) < stop - start or len(footer) < _FOOTER.size:
        raise _truncated(path, number)
    if masked_crc(data) != _FOOTER.unpack(footer)[0]:
        raise CorruptData(f"{place}: the checksum does not match, the data is damaged. Copy it again.")
    return data


def skim_record(place: Place) -> memoryview:
    """The data of a record, mapped: what nobody looks at is not read, so its checksum is not verified."""
    with place.path.open("rb") as file:
        mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return mapped[place.start : place.stop]


def masked_crc(data: bytes) -> int:
    """CRC-32C of ``data``, rotated and offset as TFRecord wants it."""
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def _place(path: Path, number: int, at: int, header: bytes) -> Place:
    """What the header at ``at`` says."""
    if len(header) < _HEADER.size:
        raise _truncated(path, number)
    length, crc = _HEADER.unpack(header)
    if masked_crc(header[:8]) != crc:
        raise CorruptData(
            f"{path}, record {number}: the length is damaged, or this is no TFRecord file. Copy it again."
        )
    start = at + _HEADER.size
    return Place(path, number, start, start + length)


def _truncated(path: Path, number: int) -> CorruptData:
    return CorruptData(f"{path}, record {number}: the file ends inside this record. Copy it again.")
