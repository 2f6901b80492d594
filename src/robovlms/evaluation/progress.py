"""The progress bar of an evaluation: episodes done, the running average, control steps a second, time left."""

import time
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from robovlms.evaluation.results import EpisodeResult


class EpisodeProgress:
    """Shows how an evaluation of ``num_episodes`` goes; a context manager."""

    def __init__(self, num_episodes: int, label: str = "Evaluating"):
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
        )
        self._progress = Progress(*columns, TimeRemainingColumn())
        self._bar = self._progress.add_task(label, total=num_episodes, note="")
        self._num_steps = self._num_done = self._num_solved = 0
        self._begin = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Wall-clock time since the start."""
        return time.perf_counter() - self._begin

    @property
    def num_steps(self) -> int:
        """Control steps decided since the start, those of retried episodes included."""
        return self._num_steps

    def steps(self, num: int) -> None:
        """Count control steps."""
        self._num_steps += num
        self._progress.update(self._bar, note=self._note())

    def episode(self, episode: EpisodeResult, *, resumed: bool = False) -> None:
        """Count a finished episode; a ``resumed`` one says nothing of the time left."""
        if episode.status == "ok":
            self._num_done += 1
            self._num_solved += episode.num_solved
        self._progress.update(self._bar, advance=1, note=self._note())
        if resumed:
            self._progress.reset(self._bar, completed=int(self._progress.tasks[0].completed))

    def _note(self) -> str:
        average = f"average length {self._num_solved / self._num_done:.2f}, " if self._num_done else ""
        return f"{average}{self._num_steps / max(self.seconds, 1e-9):.0f} steps/s"

    def __enter__(self) -> "EpisodeProgress":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
