"""Windows over episodes: which frames a sample sees, and which actions each of its frames is labelled with.

```
frames   e-(t-1)s  ...  e-s   e          t = history, s = stride, e = the end of the window
labels   a[f], a[f+1], ..., a[f+k-1]     for every frame f; k = chunk
```
Nothing crosses the borders of an episode: frames before its start repeat the oldest frame of the window that exists
and are invalid, actions after its end are masked.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, Int64
from pydantic import Field

from robovlms.core.config import Config
from robovlms.core.errors import UserError
from robovlms.data.keyed import keyed_uniform


class WindowConfig(Config):
    """Shape of a sample and how densely samples lie."""

    history: int = Field(1, ge=1, le=64)
    """Frames a window sees."""
    stride: int = Field(1, ge=1)
    """Control steps between two of its frames."""
    chunk: int = Field(8, ge=1)
    """Actions each frame is labelled with."""
    step: int = Field(1, ge=1)
    """Control steps between the ends of two windows. 1 makes every frame an end; ``history`` tiles an episode, so
    that an epoch encodes each frame about once, with a phase that changes by epoch."""

    @property
    def span(self) -> int:
        """Control steps from the oldest to the newest frame of a window, both counted."""
        return (self.history - 1) * self.stride + 1

    def require_fit(self, lengths: Int[np.ndarray, " e"]) -> None:
        """Refuse windows that no episode of these lengths could ever fill.

        Raises:
            UserError: the chunk, or the span of the history, is longer than the longest episode.
        """
        longest = int(lengths.max(initial=0))
        if self.chunk > longest:
            raise UserError(
                f"architecture.chunk is {self.chunk} actions, the longest episode has {longest}. Plan fewer actions."
            )
        if self.span > longest:
            raise UserError(
                f"architecture.history {self.history} at architecture.stride {self.stride} spans {self.span} control "
                f"steps, the longest episode has {longest}. Choose a shorter history or a smaller stride."
            )


@dataclass(frozen=True, slots=True)
class Windows:
    """Rows of a frame store for ``b`` windows."""

    frames: Int64[np.ndarray, "b t"]
    frame_valid: Bool[np.ndarray, "b t"]
    actions: Int64[np.ndarray, "b t k"]
    action_mask: Bool[np.ndarray, "b t k"]


def lay_out(
    config: WindowConfig,
    ends: Int[np.ndarray, " b"],
    episode_starts: Int[np.ndarray, " b"],
    episode_ends: Int[np.ndarray, " b"],
) -> Windows:
    """The windows whose newest frames are ``ends``, in episodes of rows ``episode_starts`` to ``episode_ends`` - 1."""
    back = np.arange(config.history - 1, -1, -1)[None]
    available = (ends - episode_starts)[:, None] // config.stride
    frames = ends[:, None] - config.stride * np.minimum(back, available)
    valid = back <= available
    actions = frames[..., None] + np.arange(config.chunk)
    last = episode_ends[:, None, None] - 1
    return Windows(frames, valid, np.minimum(actions, last), (actions <= last) & valid[..., None])


def windows_per_episode(config: WindowConfig, lengths: Int[np.ndarray, " e"]) -> Int[np.ndarray, " e"]:
    """How many windows each episode gives an epoch; every frame is in at least one whatever the phase."""
    return (lengths + 2 * config.step - 2) // config.step


def window_ends(
    config: WindowConfig,
    number: Int[np.ndarray, " b"],
    lengths: Int[np.ndarray, " b"],
    episodes: Int[np.ndarray, " b"],
    seed: int,
    epoch: Int[np.ndarray, " b"],
) -> Int[np.ndarray, " b"]:
    """Newest frame, counted from the start of its episode, of the window with this ``number`` in its episode."""
    phase = np.floor(keyed_uniform(seed, epoch, episodes) * config.step).astype(np.int64)
    return np.minimum(number * config.step + phase, lengths - 1)
