"""The long window of one robot that acts, in runs of whole steps, to be thought about one behind the other.

No token is compared with those of later steps then, which is about half of the attention. Several rows stay whole: all
their keys and values would be kept at once. So does what trains, and what runs on a GPU, which would rather have one
large product.
"""

from dataclasses import replace

import torch

from robovlms.backbones.prompt import Layout, Sequence

RUN_TOKENS = 256
"""How long a run is at least: as many rows keep a matrix product busy."""


def runs(sequence: Sequence) -> list[Sequence]:
    """The sequence in runs of whole steps; itself where it is short, of one step, or not of one robot that acts."""
    ends = _ends(sequence.layout) if _acts_alone(sequence) else []
    if len(ends) < 2:
        return [sequence]
    return [_part(sequence, slice(start, end)) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _acts_alone(sequence: Sequence) -> bool:
    plain = sequence.layout.counted is None and sequence.layout.skipped is None
    return plain and len(sequence.embeds) == 1 and not torch.is_grad_enabled() and sequence.embeds.device.type == "cpu"


def _ends(layout: Layout) -> list[int]:
    """Where runs end: behind the last token of a step, at least ``RUN_TOKENS`` apart."""
    total = len(layout.step)
    ends = [0]
    for place in (torch.nonzero(layout.step.diff())[:, 0] + 1).tolist():
        if min(place - ends[-1], total - place) >= RUN_TOKENS:
            ends.append(place)
    return [*ends[1:], total]


def _part(sequence: Sequence, tokens: slice) -> Sequence:
    """A run by itself: its images are counted from 0."""
    numbers = sequence.layout.image[tokens]
    shown = numbers[numbers >= 0].unique().tolist()
    counted = torch.where(numbers < 0, -1, numbers - min(shown, default=0))
    layout = replace(sequence.layout.part(tokens), image=counted)
    return Sequence(sequence.embeds[:, tokens], layout, tuple(sequence.images[number] for number in shown))
