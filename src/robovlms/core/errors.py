"""Errors a user can cause. Each says what is wrong, what was got, what was expected, and what to do.

The command line turns a ``UserError`` into one line and exit code 2, and a ``WorkFailed`` into exit code 1.
"""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Only the user can go on: a wrong name, file or setting, a loss that diverges, a full disk. Exit code 2."""


class UnknownName(UserError):
    """A name that does not exist; the message offers the nearest one, and ends with what else can be done."""

    def __init__(self, kind: str, got: object, choices: Iterable[str], remedy: str = ""):
        self.choices = sorted(choices)
        folded = {choice.lower(): choice for choice in self.choices}
        near = difflib.get_close_matches(str(got).strip().lower(), folded, n=1, cutoff=0.5)
        hint = f" Did you mean '{folded[near[0]]}'?" if near else ""
        shown = ", ".join(self.choices[:40]) + (", ..." if len(self.choices) > 40 else "")
        super().__init__(f"Unknown {kind} '{got}'.{hint} Choices: {shown}.{remedy and ' ' + remedy}")


class SpecMismatch(UserError):
    """Two sides disagree on what an action or an observation means."""

    def __init__(
        self, left: str, right: str, differences: list[str], remedy: str = "Retrain, or convert one side first."
    ):
        self.differences = differences
        lines = "".join(f"\n  - {line}" for line in differences)
        super().__init__(f"{left} and {right} use different conventions:{lines}\n{remedy}")


class CorruptData(UserError):
    """A data file that is missing, truncated or damaged; the message names the file and the row."""


class MissingExtra(UserError):
    """An optional package is not installed; the message gives its pip line."""

    def __init__(self, package: str, extra: str):
        self.package = package
        super().__init__(f"{package} is not installed. Run: pip install 'robovlms[{extra}]'")


class WorkFailed(RuntimeError):
    """The input was good but the work did not succeed (every simulator crashed, say). Exit code 1."""
