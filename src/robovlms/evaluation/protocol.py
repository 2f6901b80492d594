"""What an evaluation measures, apart from the policy: two scores compare only where their protocol digests agree."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from robovlms.core.config import Config
from robovlms.core.protocols import SIMPLE
from robovlms.policies.executors import parse_executor

Count = Annotated[int, Field(ge=1)]


class Protocol(Config):
    """Frozen description of an evaluation; ``digest()`` names it.

    Attributes:
        benchmark: Name of the benchmark, such as 'tabletop'.
        world_version: Version of the world's own behaviour: its physics, tasks, rewards, images and sentences. 0 where
            the benchmark states none.
        scene: Scene or suite the episodes play in.
        tasks: Tasks the episodes are drawn from, in the world's order.
        num_chains: Number of episodes.
        chain_length: Tasks an episode asks for, one after the other; 1 for single-task benchmarks.
        chain_digest: Digest of the episodes themselves: initial states, tasks and seeds.
        max_steps: Control steps granted to each task.
        instruction_split: Which sentences name the tasks.
        setting: What is new to a policy that trained in the scene, one of the benchmark's names. The simple one is
            left out of the JSON, so that protocols from before there were settings keep their digests.
        image_size: Height and width of the rendered images, in pixels.
        batch: Rows of the policy's padded batch, and episodes played side by side. CPU kernels may differ in the last
            bit between batch shapes, so the shape is part of what is measured.
        executor: How plans become actions, and how late they arrive: ``chunk:K``, ``chunk:K@D`` (see
            ``policies.executors``).
        seed: Seed all sampling of the policy starts from.
    """

    benchmark: str
    world_version: Annotated[int, Field(ge=0)] = 0
    scene: str
    tasks: tuple[str, ...]
    num_chains: Count
    chain_length: Count
    chain_digest: str
    max_steps: Count
    instruction_split: Literal["train", "validation", "novel"] = "validation"
    setting: Annotated[str, Field(exclude_if=lambda name: name == SIMPLE)] = SIMPLE
    image_size: Count = 64
    batch: Count = 16
    executor: str = "first"
    seed: Annotated[int, Field(ge=0)] = 0

    @field_validator("executor")
    @classmethod
    def _executor_parses(cls, text: str) -> str:
        parse_executor(text)
        return text
