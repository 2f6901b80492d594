"""The ``robovlms`` command. Every command imports what it needs when it runs, so ``--help`` stays fast.

Exit codes: 0 done, 1 the work failed, 2 bad input (or a setting or machine that needs the user), 130 interrupted.
"""

import os
import sys
from collections.abc import Callable

import typer

from robovlms.cli.backbones import backbones
from robovlms.cli.benchmarks import benchmarks
from robovlms.cli.compare import compare
from robovlms.cli.data import data
from robovlms.cli.demos import demos
from robovlms.cli.evaluate import evaluate
from robovlms.cli.import_checkpoint import import_checkpoint
from robovlms.cli.merge import merge
from robovlms.cli.plan import plan
from robovlms.cli.quickstart import quickstart
from robovlms.cli.report import report
from robovlms.cli.train import train
from robovlms.core.errors import UserError, WorkFailed
from robovlms.core.files import FULL

app = typer.Typer(
    name="robovlms",
    help="Turn any pre-trained vision-language model into a robot policy, train it, and evaluate it honestly.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(quickstart)
app.command()(demos)
app.add_typer(data, name="data")
app.command(context_settings={"ignore_unknown_options": True})(train)
app.command()(evaluate)
app.command()(merge)
app.command()(compare)
app.command()(plan)
app.command()(report)
app.command()(backbones)
app.command()(benchmarks)
app.command("import-checkpoint")(import_checkpoint)


def main() -> None:
    """Run the command line; errors a user can cause end in one message, never a traceback."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads starve the worlds' processes
    sys.exit(run(app))


def run(command: Callable[[], object]) -> int:
    """Call ``command`` and turn how it ended into an exit code."""
    try:
        command()
    except UserError as error:
        return _say(f"Error: {error}", 2)
    except WorkFailed as error:
        return _say(f"Failed: {error}", 1)
    except OSError as error:
        if error.filename is None and error.errno not in FULL:
            raise  # no file of the user's: a bug of ours
        return _say(f"Error: {error.filename or 'writing'}: {error.strerror}. Check the path, its rights and space.", 2)
    except KeyboardInterrupt:
        return _say("Interrupted. quickstart, train and evaluate go on where they were, with --resume.", 130)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 1
    return 0


def _say(message: str, code: int) -> int:
    print(message, file=sys.stderr)  # noqa: T201 - the one place errors reach the user
    return code


if __name__ == "__main__":
    main()
