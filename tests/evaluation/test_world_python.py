"""An interpreter that lacks a benchmark's simulator is refused with the line that builds one."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from robovlms.core.errors import UserError
from robovlms.demos.metaworld import require_metaworld
from robovlms.evaluation.benchmarks import Options, open_benchmark
from robovlms.worlds.calvin.clones import _SIMULATOR, SENTENCES, VARIABLE


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> str:
    """A Python that has numpy and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    (folder / "numpy").symlink_to(Path(np.__file__).parent)
    (folder / "numpy.libs").symlink_to(Path(np.__file__).parents[1] / "numpy.libs")
    packages = next((folder / "venv").glob("lib/python*/site-packages"))
    (packages / "numpy.pth").write_text(f"{folder}\n")
    return str(folder / "venv" / "bin" / "python")


@pytest.fixture
def clones(tmp_path, monkeypatch):
    """The files that are looked for in the clones, empty but for what makes them YAML."""
    for name in _SIMULATOR:
        (tmp_path / "calvin_env" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "calvin_env" / name).touch()
    for name in SENTENCES.values():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "calvin_models").mkdir(exist_ok=True)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "calvin_env"))


@pytest.mark.parametrize("benchmark", ["calvin", "libero", "metaworld"])
def test_the_message_names_the_line_that_builds_one(benchmark, bare, clones):
    with pytest.raises(UserError, match=rf"(?s){bare}.*make world-{benchmark}, and pass --world-python") as caught:
        open_benchmark(benchmark, Options(world_python=bare))
    assert "pip install 'robovlms" not in str(caught.value)


def test_demonstrations_need_it_too(bare):
    with pytest.raises(UserError, match=rf"{bare} has no package 'metaworld'\. Run: make world-metaworld"):
        require_metaworld(bare)
