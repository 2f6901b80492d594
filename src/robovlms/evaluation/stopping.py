"""Evaluating a policy against another one's results, until it is known which is better."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from robovlms.core.errors import UserError
from robovlms.evaluation.comparison import require_same_question
from robovlms.evaluation.episode import Job, plain
from robovlms.evaluation.protocol import Protocol
from robovlms.evaluation.results import EpisodeResult, Results, Stopped, mixed
from robovlms.statistics.sequential import decision

LEAST_ALPHA = 1e-6
"""Nobody evaluates long enough for less, and 1 - alpha would lose its digits."""


@dataclass(frozen=True, slots=True)
class Rival:
    """The other policy's results, and the share of comparisons in which a difference may be found where none is.

    It is looked at after every episode, in the order that ``mixed`` gives the ids, whichever ended first. So when to
    stop depends neither on workers nor on batches.
    """

    results: Results
    alpha: float = 0.05

    def __post_init__(self):
        if not LEAST_ALPHA <= self.alpha < 1:
            raise UserError(
                f"Got --alpha {self.alpha:g}, expected a share from {LEAST_ALPHA:g} to below 1, such as 0.05."
            )

    def require_comparable(self, protocol: Protocol, jobs: Sequence[Job]) -> None:
        """Refuse an evaluation that asks something else, or that begins elsewhere.

        Raises:
            UserError: Naming what differs.
        """
        require_same_question(self.results.protocol, protocol)
        states = {episode.id: (episode.initial_state, episode.seed) for episode in self.results.episodes}
        known = [job for job in jobs if job.id in states]
        if not known:
            raise UserError("The evaluation to stop against has none of these episodes: nothing can be paired.")
        if other := [job.id for job in known if states[job.id] != (plain(job.initial_state), job.seed)]:
            raise UserError(f"Episode {other[0]} begins elsewhere in the evaluation to stop against.")

    def decided(
        self, protocol: Protocol, jobs: Sequence[Job], episodes: Sequence[EpisodeResult]
    ) -> tuple[Stopped, tuple[EpisodeResult, ...]] | None:
        """Where to stop and with which episodes, or None while nothing is known.

        ``episodes`` are all that ended; those that an earlier one is still missing before say nothing yet.
        """
        ended, theirs = {one.id: one for one in episodes}, {one.id: one for one in self.results.episodes}
        order = sorted((job.id for job in jobs), key=mixed)
        missing = next((place for place, name in enumerate(order) if name not in ended), len(order))
        both = [name for name in order[:missing] if name in theirs and _ok(ended[name]) and _ok(theirs[name])]
        other, this = (np.array([float(of[name].num_solved) for name in both]) for of in (theirs, ended))
        found = decision(other, this, float(protocol.chain_length), 1 - self.alpha)
        if found is None:
            return None
        after = order.index(both[found.n - 1]) + 1
        stopped = Stopped(
            after=after,
            planned=len(order),
            better=found.better > 0,
            alpha=self.alpha,
            against=self.results.checkpoint,
            against_digest=self.results.checkpoint_digest,
        )
        return stopped, tuple(ended[name] for name in order[:after])


def _ok(episode: EpisodeResult) -> bool:
    return episode.status == "ok"
