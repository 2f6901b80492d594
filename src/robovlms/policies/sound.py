"""What a robot's frames, state, sentences and commands must be before anything is computed from them, or moves."""

from collections.abc import Container, Iterable

import numpy as np

from robovlms.core.errors import UserError


def require_frame(frame: np.ndarray, camera: str) -> None:
    """A camera's frame must be RGB bytes.

    Raises:
        UserError: another type (floats could be in any range, or NaN) or order of axes.
    """
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        got = f"{frame.dtype} of {frame.shape}"
        raise UserError(f"The frame of camera '{camera}' is {got}, a policy wants uint8 RGB: height x width x 3.")


def require_finite(numbers: np.ndarray, what: str, remedy: str) -> None:
    """Nothing that is NaN or infinite may reach a network or a robot.

    Raises:
        UserError: some number is.
    """
    if not np.isfinite(numbers).all():
        raise UserError(f"{what} has numbers that are not finite: {numbers.tolist()!s:.200}. {remedy}")


def require_sentence(instruction: object) -> None:
    """An instruction must be text.

    Raises:
        UserError: bytes, None, a list of sentences.
    """
    if not isinstance(instruction, str):
        got = f"{type(instruction).__name__} ({instruction!r:.60})"
        raise UserError(f"An instruction is one sentence: got {got}, expected text.")


def require_started(episodes: Iterable[str], started: Container[str]) -> None:
    """A policy remembers the episodes it was told of.

    Raises:
        UserError: one is not among them.
    """
    if unknown := [episode for episode in episodes if episode not in started]:
        raise UserError(
            f"Episode '{unknown[0]}' was never started, or was stopped: call start first, with its sentence."
        )
