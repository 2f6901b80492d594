"""The documented worked example is the code in the tree, and short."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_worked_example_is_the_code_in_the_tree():
    shown = re.search(
        r"### A worked example.*?```python\n(.*?)```", (ROOT / "docs/backbones.md").read_text(), re.DOTALL
    )
    code = (ROOT / "src/robovlms/backbones/glm4v.py").read_text()
    assert shown[1] == code
    assert len(code.splitlines()) <= 30
