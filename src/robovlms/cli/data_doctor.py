"""Examining a data set with a progress bar, and how findings are told."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from robovlms.actions.spec import require_match
from robovlms.cli.skipped import tell_skipped
from robovlms.core.errors import UserError
from robovlms.data.damage import Skipped
from robovlms.data.doctor.check_leak import between
from robovlms.data.doctor.checks import CHECKS, diagnose
from robovlms.data.doctor.examined import examine
from robovlms.data.doctor.finding import Finding
from robovlms.data.doctor.mistakes import MISTAKES, Trials, nothing_more, trials
from robovlms.data.doctor.stored import stored_beside, stored_in
from robovlms.data.doctor.verified import verified
from robovlms.data.source import EpisodeSource, SourceConfig

Replay = Callable[[EpisodeSource], tuple[list[Finding], int]]
"""What is found when episodes are played again, and how many could be."""

COLOURS = {"error": "bold red", "warning": "yellow"}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, and what could be verified at all."""

    num_episodes: int
    num_frames: int
    findings: list[Finding]
    verified: Mapping[str, str]
    skipped: tuple[Skipped, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a finding is an error."""
        return any(finding.severity == "error" for finding in self.findings)


def diagnosis(
    config: SourceConfig,
    validation: SourceConfig | None,
    statistics: Path | None,
    looked_at: int,
    quiet: bool,
    replay: Replay | None = None,
) -> Diagnosis:
    """Run every check; with ``replay`` episodes are played again in their world, too.

    Raises:
        UserError: There are no episodes, or the validation data has other conventions.
        CorruptData: An episode or a file of statistics is damaged.
    """
    source = _filled(config)
    stored = stored_beside(config) + (stored_in(statistics, config) if statistics else ())
    with _bar(quiet, len(source)) as step:
        data = examine(source, config, stored, looked_at, step)
    findings, skipped = diagnose(data), data.skipped
    if validation:
        other = _filled(validation)
        require_match(str(config.path), source.action_spec, str(validation.path), other.action_spec)
        held_out = examine(other, validation, looked_at=0)
        findings, skipped = findings + between(data, held_out), skipped + held_out.skipped
    known = dict(verified(data))
    if replay:
        more, played = replay(source)
        known["replay"] = f"{played} episodes played again" if played else "not verified: no episode says how it began"
        findings = findings + more
    num_frames = sum(len(one.actions) for one in data.recordings)
    return Diagnosis(len(data.recordings), num_frames, findings, known, skipped)


def replay_in(world_python: str | None) -> Replay:
    """Plays episodes again, those of Meta-World in this interpreter; ours when None.

    Raises:
        UserError: There is no such interpreter, or it has no Meta-World.
    """
    from robovlms.demos.check_replay import check
    from robovlms.demos.metaworld import require_metaworld

    if world_python is not None:
        require_metaworld(world_python)
    return partial(check, world_python=world_python)


def self_test(config: SourceConfig, quiet: bool, replay: Replay | None = None) -> Trials:
    """What is found in the data as it is, and which of all mistakes are noticed when they are made in it."""
    also = (lambda source: replay(source)[0]) if replay else nothing_more
    with _bar(quiet, len(MISTAKES) + 1) as step:
        return trials(_filled(config), config, on_trial=step, also=also)


def tell(found: Diagnosis, console: Console) -> None:
    """Every finding in full, then what was verified."""
    for finding in found.findings:
        place = "" if finding.episode is None else f", episode {finding.episode}"
        place += "" if finding.row is None else f", row {finding.row}"
        console.print(f"{finding.severity}: {finding.check}{place}", style=COLOURS[finding.severity], markup=False)
        for name in ("seen", "expected", "remedy"):
            label = "do" if name == "remedy" else name
            console.print(f"  {label + ':':<10}{getattr(finding, name)}", markup=False, soft_wrap=True)
    errors = sum(finding.severity == "error" for finding in found.findings)
    console.print(
        f"{found.num_episodes} episodes, {found.num_frames} frames, {len(CHECKS)} checks: {errors} errors, "
        f"{len(found.findings) - errors} warnings",
        style="bold",
    )
    for name, text in found.verified.items():
        console.print(f"  {name + ':':<10}{text}", markup=False, soft_wrap=True)
    tell_skipped(found.skipped, console)


def table(found: Trials) -> Table:
    """One row a mistake."""
    counted = f"noticed {found.num_caught} of {found.num_made}; findings in the data as it is: {len(found.known)}"
    listed = Table(caption=counted)
    for heading in ("mistake made in this data", "noticed", "by"):
        listed.add_column(heading, overflow="fold")
    for trial in found.trials:
        words = {True: "yes", False: "no", None: "cannot be made"}[trial.caught]
        listed.add_row(trial.mistake, words, ", ".join(dict.fromkeys(finding.check for finding in trial.findings)))
    return listed


def _filled(config: SourceConfig) -> EpisodeSource:
    source = config.open()
    if not len(source):
        raise UserError(f"{config.path}: got no episodes, expected at least one. Check the path.")
    return source


@contextmanager
def _bar(quiet: bool, total: int) -> Generator[Callable[[], None]]:
    """A progress bar on the error stream, moved by what is given; none when quiet."""
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task("examining", total=total)
        yield lambda: progress.advance(task)
