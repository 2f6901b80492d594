"""The line a user watches while training: steps, samples a second, loss, time left."""

import time
from collections.abc import Mapping
from types import TracebackType

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from robovlms.training.checkpoint import Progress as Done
from robovlms.training.experiment import TrainingConfig


class ProgressLine:
    """A rich progress bar over the budget's share; silent in all but the main process."""

    def __init__(self, config: TrainingConfig, enabled: bool):
        self._bar = Progress(
            TextColumn("[bold]training"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f}%  {task.fields[text]}"),
            TimeElapsedColumn(),
            disable=not enabled,
        )
        self._task = self._bar.add_task("training", total=1.0, text="starting")
        self._config = config
        self._begin: tuple[float, int, float] | None = None

    def __enter__(self) -> "ProgressLine":
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._bar.stop()

    def update(self, done: Done, share: float, losses: Mapping[str, float]) -> None:
        """Show where the run stands."""
        now = time.monotonic()
        begin_time, begin_samples, begin_share = self._begin = self._begin or (now, done.samples, share)
        seconds = now - begin_time
        text = f"step {done.step}  loss {losses['loss']:.4f}"
        if seconds > 1 and share > begin_share:
            rate = (done.samples - begin_samples) / seconds
            minutes, rest = divmod(int((1 - share) * seconds / (share - begin_share)), 60)
            text += f"  {rate:.0f} samples/s  {minutes} min {rest:02d} s left"
        self._bar.update(self._task, completed=share, text=text)
