"""What README.md and docs/ say can be typed, can be typed."""

import re
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from robovlms.cli import main as cli
from robovlms.core.config import validate
from robovlms.training.experiment import Experiment

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [README, *(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md")))]
BLOCKS = re.findall(r"```\n(.*?)```", README, re.DOTALL)
COMMANDS = [line.partition("#")[0] for block in BLOCKS for line in block.splitlines() if line.startswith("robovlms")]


@pytest.mark.parametrize("line", COMMANDS)
def test_options_exist(line):
    _, name, *words = shlex.split(re.sub(r"[\[\]]", "", line))
    command = get_command(cli.app).commands[name]
    command = command.commands[words[0]] if hasattr(command, "commands") else command
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--") and "." not in word} <= known


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("robovlms train")])
def test_experiments_are_valid(line, monkeypatch, capsys):
    setting = re.search(r"Any setting of a recipe is an option \(`(.*?)`", README)[1]
    extra = [] if "cnn" in line else shlex.split(setting)
    monkeypatch.setattr(sys, "argv", [*shlex.split(line), *extra, "--dry-run"])
    assert cli.run(cli.app) == 0
    assert "digest" in capsys.readouterr().out


def test_settings_in_the_pages_are_valid():
    blocks = [block for page in PAGES for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    assert len(blocks) >= 4
    for block in blocks:
        validate(Experiment, yaml.safe_load(block))


def test_every_command_is_named():
    assert set(get_command(cli.app).commands) == {line.split()[1] for line in COMMANDS}


def test_modules_folders_and_links_exist():
    modules = [name for page in PAGES for name in re.findall(r"python -m (robovlms[\w.]+)", page)]
    assert len(modules) >= 4
    assert all(find_spec(name) for name in modules)
    folders = re.findall(r"`([\w/]+)`", "".join(row.split("|")[1] for row in README.splitlines() if row[:3] == "| `"))
    assert all((ROOT / "src/robovlms" / folder).is_dir() for folder in folders)
    assert {path.name for path in (ROOT / "src/robovlms").iterdir() if (path / "__init__.py").is_file()} == {
        folder.split("/")[0] for folder in folders
    }
    assert all((ROOT / link.partition("#")[0]).exists() for link in re.findall(r"\]\(([^)h][^)]*)\)", README))
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)", README)) <= targets
