"""The lines a user watches: frames encoded before training; then steps, samples a second, loss, time left."""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from types import TracebackType

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from robovlms.training.checkpoint import Progress as Done
from robovlms.training.experiment import TrainingConfig


class ProgressLine:
    """A rich progress bar over the budget's share; silent in all but the main process."""

    def __init__(self, config: TrainingConfig, enabled: bool):
        self._bar = _bar("training", enabled)
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
        text = f"step {done.step}  " + "  ".join(
            f"{name} {losses[name]:.4f}" for name in ("loss", "vl_loss") if name in losses
        )
        if seconds > 1 and share > begin_share:
            rate = (done.samples - begin_samples) / seconds
            text += f"  {rate:.0f} samples/s  {_left((1 - share) * seconds / (share - begin_share))}"
        self._bar.update(self._task, completed=share, text=text)


@contextmanager
def encoding_line() -> Generator[Callable[[int, int], None]]:
    """A rich progress bar over frames; yields the function to tell (frames done, frames in all)."""
    bar, started = _bar("encoding"), time.monotonic()
    task = bar.add_task("encoding", total=1.0, text="starting")

    def update(done: int, total: int) -> None:
        rate = done / max(time.monotonic() - started, 1e-9)
        text = f"{done} of {total} frames  {rate:.0f} frames/s  {_left((total - done) / rate)}"
        bar.update(task, completed=done / total, text=text)

    with bar:
        yield update


def _bar(name: str, enabled: bool = True) -> Progress:
    text = "{task.percentage:3.0f}%  {task.fields[text]}"
    return Progress(
        TextColumn(f"[bold]{name}"), BarColumn(), TextColumn(text), TimeElapsedColumn(), disable=not enabled
    )


def _left(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02d} s left"
