import io

from rich.console import Console

from robovlms.evaluation import results
from robovlms.reports.terminal import print_summary


def test_prints_values_intervals_places_and_next_steps(run_dir, baseline_dir, tmp_path):
    stream = io.StringIO()
    print_summary(
        [run_dir, baseline_dir],
        places={"Report": tmp_path / "report.html"},
        next_steps=["robovlms evaluate [bold]x[/bold]"],
        console=Console(file=stream, width=120),
    )
    text = stream.getvalue()
    low, high = results.load(run_dir).metrics["average_length"].ci95
    assert f"[{low:.2f} to {high:.2f}]" in text
    assert "5 in a row" in text
    assert "vla" in text
    assert "baseline-cnn" in text
    assert str(tmp_path / "report.html") in text
    assert "robovlms evaluate [bold]x[/bold]" in text
