"""The stages of the quickstart, each skipped when its result is there already.

```
OUT/demos        demonstrations (LeRobot v3.0)        OUT/report.html    the report
OUT/train        the training run                     OUT/results.json   a copy of the results
OUT/evaluation   episodes, results, clips
```
"""

import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from robovlms.cli.scoring import score
from robovlms.cli.tabletop_demos import collect_with_progress
from robovlms.cli.training import train_and_measure
from robovlms.core.config import merge, validate
from robovlms.core.errors import UnknownName, UserError
from robovlms.core.files import read_json, write_json
from robovlms.evaluation.store import RESULTS
from robovlms.recipes.baselines import BASELINES, without_vlm
from robovlms.recipes.tabletop import tabletop_full, tabletop_quick, tabletop_twelve
from robovlms.reports.html import write_report
from robovlms.reports.terminal import print_summary
from robovlms.training.experiment import Experiment
from robovlms.training.run import FINISHED
from robovlms.worlds.gl import choose_backend
from robovlms.worlds.tabletop.chains import chains

RECIPES = {"fixtures_drawer": tabletop_quick, "twelve": tabletop_twelve, "all": tabletop_full}
MODELS = ("vla", *BASELINES)
MARK = "quickstart.json"
ELSEWHERE = "Choose another --out."
DEMOS_PER_MINUTE, MOST_DEMOS = 150, 8000
"""Demonstrations collected for each minute of the whole budget, up to what fits in memory (a megabyte each)."""
EVALUATION_SHARE = 0.22
"""Of the budget, kept for reading the data, scoring and the report."""


def claim(out: Path, settings: Mapping[str, Any], resume: bool) -> None:
    """Take a new or empty folder for these settings, or with ``resume`` the one that was taken for them.

    Raises:
        UserError: It holds something else.
    """
    mark = out / MARK
    if not mark.is_file():
        if out.exists() and (out.is_file() or any(out.iterdir())):
            raise UserError(f"Output {out} already holds something else. {ELSEWHERE}")
        write_json(mark, settings)
    elif not resume:
        raise UserError(f"{out} holds a run already. Add --resume to go on with it, or choose another --out.")
    elif (held := read_json(mark, remedy=ELSEWHERE)) != settings:
        raise UserError(f"{out} holds a run with {held}, now {settings}. {ELSEWHERE}")


@dataclass
class Pipeline:
    """One quickstart. ``minutes`` is for everything; demonstrations and scoring take a share, training the rest."""

    out: Path
    minutes: float
    seed: int
    chains: int
    tasks: str
    model: str
    resume: bool
    console: Console = field(default_factory=Console)

    def run(self) -> None:
        """Run what is missing and say where everything is.

        Raises:
            UserError: bad settings, no OpenGL, or an output folder that holds another run.
        """
        started = time.monotonic()
        self.prepare()
        if not (self.out / "evaluation" / RESULTS).is_file():
            self._say("3/4 Scoring it in chains of five tasks, with sentences it never saw")
            asked = {"tasks": self.tasks, "episodes": self.chains}
            where = (str(self.out / "train"), self.out / "evaluation")
            score(*where, "tabletop", asked, video=4, resume=self.resume)
        self._say("4/4 Writing the report")
        shutil.copyfile(self.out / "evaluation" / RESULTS, self.out / RESULTS)
        report = write_report([self.out / "evaluation"], self.out / "report.html")
        self._finish(report, time.monotonic() - started)

    def prepare(self) -> Path:
        """Demonstrations and training only; returns the training run."""
        choose_backend()
        self._claim()
        started = time.monotonic()
        if not (self.out / "demos").is_dir():
            self._say("1/4 Collecting demonstrations with scripted experts")
            episodes = min(max(int(DEMOS_PER_MINUTE * self.minutes), 18), MOST_DEMOS)
            collect_with_progress(self.out / "demos", self.tasks, 0, num_episodes=episodes, seed=self.seed)
        if not (self.out / "train" / FINISHED).is_file():
            self._say("2/4 Training a policy" + (" from the packaged VLM" if self.model == "vla" else " without a VLM"))
            train_and_measure(self._experiment(started), self.out / "train", self.resume)
        return self.out / "train"

    def _claim(self) -> None:
        for kind, got, choices in (("task set", self.tasks, RECIPES), ("model", self.model, MODELS)):
            if got not in choices:
                raise UnknownName(kind, got, choices)
        if not 0 < self.minutes < math.inf:
            raise UserError(f"Got --minutes {self.minutes:g}, expected a number above 0.")
        chains(self.chains, self.tasks)
        settings = {"tasks": self.tasks, "model": self.model, "minutes": self.minutes, "seed": self.seed}
        claim(self.out, settings, self.resume)

    def _experiment(self, started: float) -> Experiment:
        known = self.out / "train" / "experiment.json"
        if known.is_file() and "experiment" in (found := read_json(known, remedy=ELSEWHERE)):
            return validate(Experiment, found["experiment"])
        used = (time.monotonic() - started) / 60
        left = max(self.minutes * (1 - EVALUATION_SHARE) - used, 0.25 * self.minutes)
        base = RECIPES[self.tasks]([self.out / "demos"]).model_dump(mode="json")
        changes: dict[str, Any] = {"training.minutes": round(left, 2), "training.seed": self.seed}
        experiment = validate(Experiment, merge(base, changes))
        return experiment if self.model == "vla" else without_vlm(experiment, self.model)

    def _say(self, text: str) -> None:
        self.console.rule(f"[bold]{text}", align="left")

    def _finish(self, report: Path, seconds: float) -> None:
        places = {
            "Report": report,
            "Results": self.out / RESULTS,
            "Checkpoint": self.out / "train",
            "Clips": self.out / "evaluation" / "videos",
        }
        print_summary([self.out / "evaluation"], places=places, next_steps=self._next_steps(), console=self.console)
        self.console.print(f"Took {seconds / 60:.1f} minutes.", highlight=False)

    def _next_steps(self) -> Sequence[str]:
        return (
            f"robovlms evaluate {self.out / 'train'} --scene C --chains 100 --out runs/scene-c   another scene",
            "robovlms quickstart --model cnn --out runs/cnn                    the same without a VLM",
            f"robovlms report {self.out / 'evaluation'} runs/cnn/evaluation --out comparison.html",
            "robovlms quickstart --tasks twelve --out runs/twelve              with lifting blocks",
        )
