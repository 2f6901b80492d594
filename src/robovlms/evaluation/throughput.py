"""Where the time of an evaluation goes: worlds that simulate, render or wait, and a policy that thinks or waits."""

import time
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class TellsRenderTime(Protocol):
    """A world that measures how long it draws; of others, drawing counts as simulation."""

    @property
    def render_s(self) -> float:
        """Seconds spent on images since it was made."""
        ...


@dataclass(slots=True)
class Spent:
    """What an evaluation took, summed up as it runs.

    Attributes:
        simulator_s: Seconds of the worlds, without drawing.
        render_s: Seconds of drawing; None once a world did not tell.
        policy_s: Seconds of the policy.
        num_episodes: Episodes that ended.
        num_faults: Times a world broke down under an episode, each of which was played again or given up.
        num_idle_deaths: Times a worker died that was playing nothing; its episodes were played again.
    """

    simulator_s: float = 0.0
    render_s: float | None = 0.0
    policy_s: float = 0.0
    num_episodes: int = 0
    num_faults: int = 0
    num_idle_deaths: int = 0

    def worlds(self, busy_s: float, render_s: float | None) -> None:
        """Add what one command took a world, and how much of it was drawing."""
        self.simulator_s += busy_s - (render_s or 0.0)
        self.render_s = None if render_s is None or self.render_s is None else self.render_s + render_s

    def shares(self, wall_s: float, num_worlds: int) -> dict[str, Any]:
        """Shares of the worlds' time (of ``num_worlds`` processes) and of the policy's thread; each sums to 1.

        ``idle`` is all that is neither: waiting for the other side, and starting processes.
        """
        worlds_s, thread_s = max(wall_s * num_worlds, 1e-9), max(wall_s, 1e-9)
        render = None if self.render_s is None else round(self.render_s / worlds_s, 3)
        simulator, policy = round(self.simulator_s / worlds_s, 3), round(self.policy_s / thread_s, 3)
        idle = round(max(1 - simulator - (render or 0.0), 0.0), 3)
        return {
            "worlds": {"simulator": simulator, "render": render, "idle": idle},
            "policy": {"busy": policy, "idle": round(max(1 - policy, 0.0), 3)},
        }


def timing(spent: Spent, num_steps: int, wall_s: float, num_workers: int) -> dict[str, Any]:
    """``timing.json``: what depends on the machine stands apart, so that equal evaluations have equal results files."""
    return {
        "workers": num_workers,
        "episodes": spent.num_episodes,
        "control_steps": num_steps,
        "wall_s": round(wall_s, 2),
        "steps_per_s": round(num_steps / max(wall_s, 1e-9), 1),
        "episodes_per_h": round(3600 * spent.num_episodes / max(wall_s, 1e-9), 1),
        "world_faults": spent.num_faults,
        "idle_deaths": spent.num_idle_deaths,
        "shares": spent.shares(wall_s, max(num_workers, 1)),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
