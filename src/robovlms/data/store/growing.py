"""A ``.npy`` file that bytes are appended to."""

import io
import os
from pathlib import Path

import numpy as np


class Growing:
    """A ``.npy`` of bytes whose length is not known beforehand: its header is written at the end."""

    def __init__(self, file: Path):
        """Open or create it; ``go_on`` says what of it counts."""
        self._start, self._file = len(_header(0)), file.open("r+b" if file.is_file() else "w+b")

    def go_on(self, size: int) -> None:
        """Forget what is behind the first ``size`` bytes."""
        self._file.truncate(self._start + size)
        self._file.seek(self._start + size)

    def append(self, data: bytes) -> int:
        """Write at the end; returns the size from then on."""
        self._file.write(data)
        return self._file.tell() - self._start

    def flush(self) -> None:
        """Bring what was written to the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def finish(self) -> None:
        """Write the header; nothing is appended any more."""
        size = self._file.tell() - self._start
        self._file.seek(0)
        self._file.write(_header(size))
        self.flush()
        self.close()

    def close(self) -> None:
        """Leave it as it is."""
        self._file.close()


def _header(size: int) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": (size,)})
    return buffer.getvalue()
