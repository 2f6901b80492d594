"""The project's own files agree with each other."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def test_every_dependency_is_pinned_within_its_range():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if line]
    pinned = {_name(name): version for name, version in lines}
    wanted = [Requirement(text) for text in [*project["dependencies"], *project["optional-dependencies"]["dev"]]]
    assert {_name(one.name) for one in wanted} <= pinned.keys()
    assert [str(one) for one in wanted if not one.specifier.contains(pinned[_name(one.name)])] == []
    makefile = re.search(r"^TORCH \?= torch==(\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert makefile is not None
    assert makefile[1] == pinned["torch"]
