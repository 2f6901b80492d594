"""All kinds of questions and how often each is asked."""

from collections.abc import Callable

import numpy as np

from robovlms.pretraining import ask_places, ask_scene
from robovlms.pretraining.frames import Frame
from robovlms.pretraining.imagined import imagined_frames
from robovlms.pretraining.locations import to_bins
from robovlms.pretraining.wording import Ask

Asker = Callable[[Frame, np.random.Generator], Ask | None]

SHARES: dict[str, tuple[Asker, float]] = {
    "point_offset": (ask_places.point_offset, 20.0),
    "point_pixel": (ask_places.point_pixel, 10.0),
    "offset": (ask_places.offset, 10.0),
    "detect_static": (ask_places.detect_static, 10.0),
    "detect_wrist": (ask_places.detect_wrist, 11.0),
    "angle": (ask_places.angle, 5.0),
    "opening": (ask_places.opening, 2.0),
    "seen": (ask_places.seen, 2.0),
    "fixture_choice": (ask_scene.fixture_choice, 7.0),
    "fixture_yes_no": (ask_scene.fixture_yes_no, 6.0),
    "fixture_amount": (ask_scene.fixture_amount, 3.0),
    "held": (ask_scene.held, 2.0),
    "where_is": (ask_scene.where_is, 3.0),
    "stacked": (ask_scene.stacked, 1.0),
    "side_of": (ask_scene.side_of, 3.0),
    "count": (ask_scene.count, 2.0),
    "nearest": (ask_scene.nearest, 1.0),
    "caption_fixtures": (ask_scene.caption_fixtures, 4.0),
    "caption_blocks": (ask_scene.caption_blocks, 1.5),
}
"""Kind -> (function, share in per cent)."""

_KINDS = tuple(SHARES)
_WEIGHTS = np.array([share for _, share in SHARES.values()])
_CUMULATIVE = np.cumsum(_WEIGHTS / _WEIGHTS.sum())


def ask(kind: str, frame: Frame, rng: np.random.Generator) -> Ask | None:
    """One question of a kind, or None where this frame allows none."""
    return SHARES[kind][0](frame, rng)


def ask_some(frame: Frame, rng: np.random.Generator, number: int) -> list[tuple[str, str, str]]:
    """Draw ``number`` questions by their shares, each as (kind, prompt, answer)."""
    drawn: list[tuple[str, str, str]] = []
    while len(drawn) < number:
        kind = _KINDS[int(np.searchsorted(_CUMULATIVE, rng.random(), side="right"))]
        question = ask(kind, frame, rng)
        if question:
            drawn.append((kind, *question))
    return drawn


def every_wording(num_frames: int = 600) -> list[str]:
    """Prompts and worded answers about random records: together they hold every word questions may use.

    Words are collected by asking, so a new question needs no second list.
    """
    rng = np.random.default_rng(0)
    frames = imagined_frames(rng, num_frames)
    asked = [ask(kind, frame, rng) for frame in frames for kind in SHARES]
    texts = {text for question in asked if question for text in question}
    return sorted(text for text in texts if not to_bins(text))
