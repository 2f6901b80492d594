"""An episode that goes on: what the language model keeps of its instruction and of its last steps.

Each step is thought about once. Its tokens attend to the instruction and to the last steps; older keys and values drop
out, so memory is bounded. Positions go on growing, as in one sequence of the whole episode.

Episodes share a call whatever their age, because rows are put together anew each time and always in one shape:
``[instruction, nothing yet, past steps | new step]``. Neither age nor company changes the arithmetic of a row.
"""

from collections.abc import Sequence as Items
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import DynamicCache

from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Cache, Layout, Segment


@dataclass(frozen=True)
class Block:
    """A run of tokens of one episode: keys and values of every layer, and what the tokens are."""

    states: Float[Tensor, "layers 2 h s e"]
    layout: Layout


@dataclass(frozen=True)
class Stream:
    """What an episode keeps; ``end`` is the position behind its newest token."""

    instruction: Block
    steps: tuple[Block, ...]
    end: int

    def goes_on(self, num_positions: int | None) -> bool:
        """Whether another step fits into the positions of a language model."""
        return num_positions is None or self.end + len(self.steps[-1].layout.kind) <= num_positions


def begin(
    backbone: Backbone, segments: Items[Segment], span: int
) -> tuple[Float[Tensor, "b t m d"], list[Stream], Cache]:
    """Think about instructions (step -1) and first steps (step 0).

    Returns hidden states at the slots, the streams, and all that was thought, for an answer that no stream keeps.
    """
    sequence = backbone.compose(segments, span=span)
    hidden, cache = backbone.think(sequence, backbone.new_cache())
    assert cache is not None
    num_words = int((sequence.layout.step < 0).sum())
    words, first = (
        _rows(cache, sequence.layout.part(part), part) for part in (slice(num_words), slice(num_words, None))
    )
    streams = map(Stream, words, ((step,) for step in first), _ends(backbone, sequence.layout))
    return backbone.slots(hidden, sequence.layout), list(streams), cache


def resume(
    backbone: Backbone, segments: Items[Segment], streams: Items[Stream], span: int
) -> tuple[Float[Tensor, "b t m d"], list[Stream], Cache]:
    """Think about the next step of each stream; what no later step will see drops out. Returns as ``begin`` does.

    ``segments`` are those of step ``span - 1``, the newest in reach.
    """
    past = _stacked(streams, span)
    sequence = backbone.compose(segments, past)
    hidden, cache = backbone.think(sequence, _placed(backbone, past, sequence.layout, streams))
    assert cache is not None
    assert cache.layout is not None
    ends = _ends(backbone, cache.layout)
    new = _rows(cache, sequence.layout, slice(-len(sequence.layout.kind), None))
    after = [
        Stream(stream.instruction, (*stream.steps, step)[1 - span :], end)
        for stream, step, end in zip(streams, new, ends, strict=True)
    ]
    return backbone.slots(hidden, sequence.layout), after, cache


def _places(backbone: Backbone, layout: Layout) -> Int[Tensor, "b s"]:
    """Positions on the first axis: words stand at the same place on all."""
    return backbone.positions(layout).view(-1, *layout.valid.shape)[0]


def _ends(backbone: Backbone, layout: Layout) -> list[int]:
    """The position behind each row's last token."""
    return (_places(backbone, layout)[:, -1] + 1).tolist()


def _rows(cache: Cache, layout: Layout, tokens: slice) -> list[Block]:
    """The ``tokens``, which ``layout`` describes, of each row by itself."""
    pairs = [torch.stack([of.keys[:, :, tokens], of.values[:, :, tokens]], dim=1) for of in cache.states.layers]
    states = torch.stack(pairs, dim=1)
    return [Block(of.clone(), replace(layout, valid=layout.valid[[row]])) for row, of in enumerate(states)]


def _stacked(streams: Items[Stream], span: int) -> Cache:
    """Streams as the rows of one cache, the newest steps last."""
    words, step, count = streams[0].instruction.layout, streams[0].steps[-1].layout, span - 1
    index = torch.arange(count, device=step.step.device).repeat_interleave(len(step.step))
    layout = Layout(
        kind=torch.cat([words.kind, step.kind.repeat(count)]),
        step=torch.cat([words.step, index]),
        image=torch.cat([words.image, step.image.repeat(count)]),
        cell=torch.cat([words.cell, step.cell.repeat(count, 1)]),
        valid=torch.cat([_valid(stream, count) for stream in streams]),
        span=span,
    )
    states = torch.stack([_states(stream, count) for stream in streams], dim=1)
    return Cache(DynamicCache([tuple(of_layer.unbind(dim=1)) for of_layer in states]), layout)


def _valid(stream: Stream, count: int) -> Bool[Tensor, "1 s"]:
    """Which tokens of a row are: nothing is before an episode's first step."""
    steps = [step.layout.valid for step in stream.steps]
    return torch.cat([stream.instruction.layout.valid, *[torch.zeros_like(steps[0])] * (count - len(steps)), *steps], 1)


def _states(stream: Stream, count: int) -> Float[Tensor, "layers 2 h s e"]:
    """Keys and values of a row; zeros where nothing is."""
    steps = [step.states for step in stream.steps]
    return torch.cat([stream.instruction.states, *[torch.zeros_like(steps[0])] * (count - len(steps)), *steps], -2)


def _placed(backbone: Backbone, past: Cache, new: Layout, streams: Items[Stream]) -> Cache:
    """The cache with the positions of steps that dropped out skipped: a new step stands where its stream ends."""
    layout = past.layout
    assert layout is not None
    ends = torch.tensor([stream.end for stream in streams], device=layout.step.device)
    skipped = ends - _places(backbone, layout.then(new))[:, len(layout.kind)]
    return replace(past, layout=replace(layout, skipped=torch.where(layout.step < 0, 0, skipped[:, None])))
