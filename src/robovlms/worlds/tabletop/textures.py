"""Textures made by numpy from a fixed seed, as PNG bytes for MuJoCo's ``assets``: the package ships no image files."""

import io
import zlib
from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from PIL import Image

Shade = Float[np.ndarray, "h w"]
_SIZE = 256


def table_png(pattern: str, rgb: tuple[float, float, float]) -> bytes:
    """A 256 px square PNG of ``pattern`` around the colour ``rgb`` (0 to 1); the same bytes for the same input."""
    rng = np.random.default_rng(zlib.crc32(pattern.encode()))
    shade = _PATTERNS[pattern](rng)
    pixels = np.clip(np.asarray(rgb)[None, None, :] * shade[:, :, None], 0, 1)
    buffer = io.BytesIO()
    Image.fromarray((pixels * 255).round().astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def _planks(rng: np.random.Generator) -> Shade:
    grain = rng.normal(0, 0.035, (_SIZE, 16)).repeat(_SIZE // 16, axis=1)
    boards = rng.uniform(0.90, 1.08, 8).repeat(_SIZE // 8)[:, None]
    shade = boards + grain
    shade[:: _SIZE // 8] = 0.72
    return shade


def _checks(rng: np.random.Generator) -> Shade:
    rows, columns = np.indices((_SIZE, _SIZE)) // (_SIZE // 8)
    return 0.94 + 0.10 * ((rows + columns) % 2) + rng.normal(0, 0.01, (_SIZE, _SIZE))


def _terrazzo(rng: np.random.Generator) -> Shade:
    shade = 1 + rng.normal(0, 0.02, (_SIZE, _SIZE))
    rows, columns = np.indices((_SIZE, _SIZE))
    for row, column, radius, tone in rng.uniform([0, 0, 2, 0.75], [_SIZE, _SIZE, 7, 1.3], (150, 4)):
        shade[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = tone
    return shade


def _weave(rng: np.random.Generator) -> Shade:
    rows, columns = np.indices((_SIZE, _SIZE))
    threads = 0.04 * np.sin(rows * np.pi / 4) * np.sign(np.sin(columns * np.pi / 16))
    return 0.98 + threads + rng.normal(0, 0.015, (_SIZE, _SIZE))


def _diamonds(rng: np.random.Generator) -> Shade:
    rows, columns = np.indices((_SIZE, _SIZE))
    along, across = (rows + columns) // 24, (rows - columns) // 24
    return 0.86 + 0.22 * ((along + across) % 2) + rng.normal(0, 0.01, (_SIZE, _SIZE))


def _rings(rng: np.random.Generator) -> Shade:
    rows, columns = np.indices((_SIZE, _SIZE)) % (_SIZE // 4) - _SIZE // 8
    return 0.96 + 0.12 * np.sign(np.sin(np.hypot(rows, columns) / 3)) + rng.normal(0, 0.01, (_SIZE, _SIZE))


_PATTERNS: dict[str, Callable[[np.random.Generator], Shade]] = {
    "planks": _planks,
    "checks": _checks,
    "terrazzo": _terrazzo,
    "weave": _weave,
    "diamonds": _diamonds,
    "rings": _rings,
}
