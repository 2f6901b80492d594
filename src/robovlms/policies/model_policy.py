"""A trained network playing its chunks: one policy for any number of episodes at once.

The network always runs at one fixed, padded batch shape, with one row an episode, and each row samples from its
episode's own generator, so that an action depends neither on who else is in the batch nor on how many workers there
are. A new instruction starts a new history, as training windows never cross a demonstration.

A plan reads the frames that training would have given its window: those ``stride`` steps apart, back from the step it
is made at. Executors know when plans are due, so a frame is encoded, once, if some plan will read it. That is one
every ``stride`` steps where ``chunk:K`` has K a multiple of the stride, and up to one a step elsewhere. A network that
carries an episode along sees one every ``stride`` steps, and plans at these only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from robovlms.actions.normalize import Normalizer
from robovlms.actions.spec import ActionSpec, ObservationSpec, require_match
from robovlms.backbones.stream import Stream
from robovlms.core.batch import Batch
from robovlms.core.errors import UserError
from robovlms.core.types import ActionChunk, Decision, Observation
from robovlms.heads.head import Features, Prediction
from robovlms.heads.inpainting import RunningPlan
from robovlms.policies.executors import parse_executor
from robovlms.policies.eyes import Eyes
from robovlms.policies.plan import Plan, overlap_confidence
from robovlms.policies.sound import require_finite, require_sentence, require_started
from robovlms.policies.vla import VLA


@dataclass
class Running:
    """What one episode remembers.

    Its sentence, noise, control step, features of frames by step, newest plan, and what its network carries along.
    """

    instruction: str
    generator: np.random.Generator
    step: int = 0
    frames: dict[int, Features] = field(default_factory=dict)
    plan: Plan | None = None
    stream: Stream | None = None


class ModelPolicy:
    """Implements ``core.protocols.Policy`` with a network whose frames are encoded one at a time."""

    def __init__(self, vla: VLA, normalizer: Normalizer, executor: str, batch_size: int, embodiment: str):
        if batch_size < 1:
            raise UserError(f"batch_size is {batch_size}: the network needs at least one row.")
        self.vla, self.normalizer, self.batch_size = vla, normalizer, batch_size
        self.network = vla.network.eval()
        self._device = vla.device
        self.executor = parse_executor(executor, normalizer.spec)
        self.executor.require(self.network.head.chunk)
        if self.executor.continues and not self.network.head.continues_plans:
            raise UserError(
                f"Executor '{executor}' needs a head that can continue a running plan: got "
                f"{type(self.network.head).__name__}, expected a flow or diffusion head. Use chunk:K instead."
            )
        self._eyes = Eyes(vla, vla.manifest.conventions(embodiment).observation_spec)
        self._running: dict[str, Running] = {}
        settings = vla.manifest.model.architecture
        self.history, self.stride = settings.history, settings.stride
        self.streams = settings.streams
        if self.streams:
            self.executor.require_rhythm(self.stride)

    def bind(self, action_spec: ActionSpec, observation_spec: ObservationSpec) -> None:
        """Check conventions against a world's before the first step, and find this policy's state columns there.

        Raises:
            SpecMismatch: actions, cameras, state or control rate mean something else there.
        """
        require_match("The checkpoint", self.normalizer.spec, "the world", action_spec)
        self._eyes.bind(observation_spec)

    def start(self, episode: str, instruction: str, *, seed: int) -> None:
        """Begin an episode; ``seed`` makes its noise, which only heads that sample read."""
        require_sentence(instruction)
        if seed < 0:
            raise UserError(f"The seed of episode '{episode}' is {seed}, expected 0 or more.")
        self._running[episode] = Running(instruction, np.random.default_rng(seed))
        self.executor.reset(episode)

    def instruct(self, episode: str, instruction: str) -> None:
        """Replan for a new sentence, with a new history; the noise goes on."""
        require_sentence(instruction)
        require_started([episode], self._running)
        self._running[episode] = Running(instruction, self._running[episode].generator)
        self.executor.instruct(episode)

    def stop(self, episode: str) -> None:
        """Forget an episode."""
        self._running.pop(episode, None)
        self.executor.reset(episode)

    def needs_observation(self, episode: str) -> bool:
        """Whether a plan that is due now or later reads the frame of this step."""
        if self.streams:
            return self._running[episode].step % self.stride == 0
        return any(self.executor.due(episode, steps * self.stride) for steps in range(self.history))

    def act(self, observations: Mapping[str, Observation]) -> dict[str, Decision]:
        """One action for each episode; the network runs for those that need it."""
        require_started(observations, self._running)
        looking = [episode for episode in observations if self.needs_observation(episode)]
        for start in range(0, len(looking), self.batch_size):
            self._look(looking[start : start + self.batch_size], observations)
        return {episode: self._decide(episode) for episode in observations}

    def planned(self, episode: str) -> Decision | None:
        """The next action of a running plan; None where a frame is read first, or what was played still matters."""
        return None if self.executor.delay or self.needs_observation(episode) else self._decide(episode)

    def _decide(self, episode: str) -> Decision:
        running = self._running[episode]
        plan = running.plan
        assert plan is not None, "the executor was due at the first step"
        confidence = plan.confidence_at(running.step)
        action = self.normalizer.snap(self.executor.next(episode))
        running.step += 1
        oldest = running.step - (self.history - 1) * self.stride
        running.frames = {step: frame for step, frame in running.frames.items() if step >= oldest}
        return Decision(action, confidence, plan.chunk)

    @torch.no_grad()  # inference mode would forbid the gradients of a guided head
    def _look(self, episodes: Sequence[str], observations: Mapping[str, Observation]) -> None:
        padded = [*episodes, *[episodes[0]] * (self.batch_size - len(episodes))]
        seen = [observations[episode] for episode in padded]
        batch = self._eyes.batch(seen, [self._running[episode].instruction for episode in padded])
        features, streams = self.network.advance(batch, [self._running[episode].stream for episode in padded])
        for row, episode in enumerate(episodes):
            running = self._running[episode]
            running.frames[running.step], running.stream = features.row(row), streams[row]
        due = [row for row, episode in enumerate(episodes) if self.executor.due(episode)]
        if due:
            self._plan(padded, due, features, batch)

    def _plan(self, padded: Sequence[str], due: Sequence[int], features: Features, batch: Batch) -> None:
        """Plan for the rows that are ``due``; the others repeat one of them, and their generators stay as they are."""
        rows = [row if row in due else due[0] for row in range(len(padded))]
        episodes = [padded[row] for row in rows]
        drawn = self.network.head.draw([self._running[e].generator if r in due else None for r, e in enumerate(padded)])
        noise = None if drawn is None else drawn.to(self._device)
        running = {"plan": self._running_plans(episodes)} if self.executor.continues else {}
        asked = replace(batch, instruction_index=batch.instruction_index[rows])
        prediction = self.network.predict(self._windows(episodes, features, rows), asked, noise=noise, **running)
        prediction = prediction.cpu()
        for row in due:
            self._take(padded[row], prediction, row)

    def _take(self, episode: str, prediction: Prediction, row: int) -> None:
        running, planned = self._running[episode], prediction.actions[row].numpy()
        require_finite(planned, "A planned action", "The checkpoint's weights are damaged; load another one.")
        chunk, planned = self.normalizer.denormalize(planned), planned[:, self.normalizer.present]
        origin = self.executor.push(episode, chunk)
        own = prediction.confidence
        sure = overlap_confidence(planned, origin, running.plan) if own is None else own[row].numpy()
        running.plan = Plan(origin, ActionChunk(chunk), planned, sure)

    def _windows(self, episodes: Sequence[str], features: Features, origins: Sequence[int]) -> Features:
        """The frames each plan reads, laid out as ``data.window`` does: padding repeats the oldest of them."""
        rows, valid = [], []
        for episode in episodes:
            running = self._running[episode]
            missing = max(self.history - 1 - running.step // self.stride, 0)
            steps = [running.step - back * self.stride for back in range(self.history - missing)][::-1]
            frames = [running.frames[step] for step in steps]
            rows.append(frames[:1] * missing + frames)
            valid.append([False] * missing + [True] * len(frames))
        window = Features.windows(rows, torch.tensor(valid, device=self._device))
        if features.memory is None or features.memory_mask is None:
            return window
        return replace(window, memory=features.memory[origins], memory_mask=features.memory_mask[origins])

    def _running_plans(self, episodes: Sequence[str]) -> RunningPlan:
        rests = [self.executor.rest(episode) for episode in episodes]
        actions = torch.zeros(len(rests), self.network.head.chunk, self.vla.manifest.action_spec.dims)
        for row, rest in enumerate(rests):
            if rest is not None:
                actions[row, : len(rest)] = torch.from_numpy(self.normalizer.normalize(rest))
        length = torch.tensor([0 if rest is None else len(rest) for rest in rests])
        plan = (actions, length, torch.full_like(length, self.executor.delay))
        return RunningPlan(*(part.to(self._device) for part in plan))

    @property
    def cameras(self) -> tuple:
        """The cameras this policy reads, in order."""
        return self._eyes.spec.cameras
