from pathlib import Path

import pytest
from synthetic_runs import write_run


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory) -> Path:
    """A complete run; tests only read it."""
    return write_run(tmp_path_factory.mktemp("runs") / "vla", chains=30)


@pytest.fixture(scope="session")
def baseline_dir(tmp_path_factory) -> Path:
    return write_run(
        tmp_path_factory.mktemp("runs") / "baseline-cnn",
        checkpoint="baseline:cnn",
        skill=0.6,
        chains=30,
        seed=1,
        videos=1,
    )
