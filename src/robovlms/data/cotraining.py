"""Batches of questions among those of robots: which a step gets is a pure function of the step.

With a share ``w`` of questions, step ``i`` has some if a whole number lies between ``i w`` and ``(i + 1) w``; the
others go on through the robots' batches as if there were no questions.
"""

from collections.abc import Iterator
from math import floor

import numpy as np
import torch

from robovlms.actions.spec import ImageSpec
from robovlms.core.batch import Batch
from robovlms.core.errors import UserError
from robovlms.core.vl_batch import VLBatch
from robovlms.data.conversations import Conversations, Question, VLDataConfig
from robovlms.data.images import RGB, decode_image, fit_image
from robovlms.data.loader import Loader
from robovlms.data.mixture import Mixture
from robovlms.data.prefetch import prefetched


class VLLoader:
    """Batches of questions, whose images are decoded when they are asked: batch ``i`` depends on (seed, i) alone."""

    def __init__(self, data: Conversations, config: VLDataConfig, image: ImageSpec, batch_size: int, seed: int):
        """Prepare the order; ``image`` are the pixels the model wants."""
        self.data, self.config, self.image, self.batch_size = data, config, image, batch_size
        self._order = Mixture(np.array([len(data)]), None, seed)

    def batch(self, index: int, rank: int = 0, world_size: int = 1) -> VLBatch:
        """The share of ``rank`` in batch ``index``.

        Raises:
            CorruptData: An image cannot be decoded.
            UserError: The batch does not divide over the ranks.
        """
        if self.batch_size % world_size:
            raise UserError(f"Batch size {self.batch_size} does not divide over {world_size} processes.")
        samples = np.arange(index * self.batch_size, (index + 1) * self.batch_size)
        together = [self.data.questions[number] for number in self._order.draw(samples)[0]]
        asked = together[rank::world_size]
        return VLBatch(
            images=torch.from_numpy(np.stack([self._pixels(question) for question in asked])),
            has_image=torch.tensor([question.image is not None for question in asked]),
            questions=tuple(question.text for question in asked),
            answers=tuple(question.answer for question in asked),
            all_answers=tuple(question.answer for question in together),
            loss_weight=self.config.loss_weight,
            max_answer_tokens=self.config.max_answer_tokens,
        )

    def _pixels(self, question: Question) -> RGB:
        if question.image is None:
            return np.zeros((self.image.size, self.image.size, 3), np.uint8)
        return fit_image(decode_image(question.image.read_bytes(), str(question.image)), self.image)


class CoTraining:
    """Robot batches with a share of question batches between them."""

    def __init__(self, robots: Loader, questions: VLLoader):
        self.robots, self.questions, self.share = robots, questions, questions.config.weight

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> Batch | VLBatch:
        """The share of ``rank`` in what ``step`` learns from."""
        asked = floor(step * self.share)
        if floor((step + 1) * self.share) > asked:
            return self.questions.batch(asked, rank, world_size)
        return self.robots.batch(step - asked, rank, world_size)

    def stream(self, first: int = 0, rank: int = 0, world_size: int = 1) -> Iterator[Batch | VLBatch]:
        """What steps ``first``, ``first`` + 1, ... learn from, without end."""
        return prefetched(lambda step: self.batch(step, rank, world_size), first)
