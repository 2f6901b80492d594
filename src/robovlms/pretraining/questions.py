"""All kinds of questions and how often each is asked."""

from collections.abc import Callable, Sequence

import numpy as np

from robovlms.pretraining import ask_places, ask_scene
from robovlms.pretraining.frames import Frame
from robovlms.pretraining.imagined import imagined_frames
from robovlms.pretraining.locations import to_bins
from robovlms.pretraining.wording import Ask

Asker = Callable[[Frame, np.random.Generator], Ask | None]

SHARES: dict[str, tuple[Asker, float]] = {
    "point_offset": (ask_places.point_offset, 18.0),
    "point_pixel": (ask_places.point_pixel, 10.0),
    "offset": (ask_places.offset, 9.0),
    "detect_static": (ask_places.detect_static, 10.0),
    "detect_wrist": (ask_places.detect_wrist, 9.0),
    "angle": (ask_places.angle, 5.0),
    "opening": (ask_places.opening, 2.0),
    "seen": (ask_places.seen, 2.0),
    "fixture_choice": (ask_scene.fixture_choice, 8.0),
    "fixture_yes_no": (ask_scene.fixture_yes_no, 9.0),
    "fixture_amount": (ask_scene.fixture_amount, 3.0),
    "held": (ask_scene.held, 2.0),
    "where_is": (ask_scene.where_is, 3.0),
    "stacked": (ask_scene.stacked, 1.0),
    "side_of": (ask_scene.side_of, 3.0),
    "count": (ask_scene.count, 2.0),
    "nearest": (ask_scene.nearest, 1.0),
    "caption_fixtures": (ask_scene.caption_fixtures, 5.0),
    "caption_blocks": (ask_scene.caption_blocks, 1.5),
}
"""Kind -> (function, share in per cent)."""

ONE_WORD = tuple(
    kind for kind, (asker, _) in SHARES.items() if asker.__module__ == ask_scene.__name__ and "caption" not in kind
)
"""Kinds answered in a word or three, not with places or sentences."""


def _cumulative(kinds: Sequence[str]) -> np.ndarray:
    weights = np.array([SHARES[kind][1] for kind in kinds])
    return np.cumsum(weights / weights.sum())


_DRAWS = {kinds: _cumulative(kinds) for kinds in (tuple(SHARES), ONE_WORD)}


def ask(kind: str, frame: Frame, rng: np.random.Generator) -> Ask | None:
    """One question of a kind, or None where this frame allows none."""
    return SHARES[kind][0](frame, rng)


def ask_some(frame: Frame, rng: np.random.Generator, number: int, one_word: bool = False) -> list[tuple[str, str, str]]:
    """Draw ``number`` questions by their shares, each as (kind, prompt, answer); ``one_word`` keeps such kinds only."""
    kinds = ONE_WORD if one_word else tuple(SHARES)
    drawn: list[tuple[str, str, str]] = []
    while len(drawn) < number:
        kind = kinds[int(np.searchsorted(_DRAWS[kinds], rng.random(), side="right"))]
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
