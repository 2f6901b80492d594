"""How tasks failed, on the page and in the terminal, counted again from the file."""

import io
import json
import re
from collections import Counter

from rich.console import Console

from robovlms.evaluation.failures import FAILURES
from robovlms.reports.failures import failure_table
from robovlms.reports.html import write_report
from robovlms.reports.runs import read_run
from robovlms.reports.terminal import print_summary


def failed(run_dir):
    episodes = json.loads((run_dir / "results.json").read_text())["episodes"]
    tasks = [task for episode in episodes for task in episode["tasks"] if not task["success"]]
    return Counter((task["task"], task["failure"]) for task in tasks)


def test_the_table_counts_every_failure_by_task_and_label(run_dir):
    counts, table = failed(run_dir), failure_table(read_run(run_dir))
    names = [name for name, _ in table.labels]
    assert names == [name for name in FAILURES if any(label == name for _, label in counts)]
    assert {(row.task, name): n for row in table.rows for name, n in zip(names, row.counts, strict=True) if n} == counts
    assert table.all.total == counts.total()
    totals = [row.total for row in table.rows]
    assert totals == sorted(totals, reverse=True)


def test_the_page_has_the_table_with_the_meaning_of_each_label(run_dir, tmp_path):
    page = write_report([run_dir], tmp_path).read_text()
    section = page[page.index('<section id="failures">') : page.index('<section id="chains">')]
    table = failure_table(read_run(run_dir))
    assert re.findall(r'title="(.*?)"', section) == [meaning.replace("'", "&#39;") for _, meaning in table.labels]
    numbers = re.findall(r'data-value="(\d+)"', section[section.index("<tfoot>") :])
    assert numbers == [*map(str, table.all.counts), str(table.all.total)]


def test_labels_of_others_are_shown_and_escaped(run_dir, tmp_path):
    results = json.loads((run_dir / "results.json").read_text())
    wrong = next(task for episode in results["episodes"] for task in episode["tasks"] if not task["success"])
    wrong["failure"] = "<b>odd</b>"
    (tmp_path / "results.json").write_text(json.dumps(results))
    assert "&lt;b&gt;odd&lt;/b&gt;" in write_report([tmp_path], tmp_path / "page.html").read_text()
    assert failure_table(read_run(tmp_path)).labels[-1] == ("<b>odd</b>", "")


def test_a_perfect_run_has_no_section(run_dir, tmp_path):
    results = json.loads((run_dir / "results.json").read_text())
    for episode in results["episodes"]:
        for task in episode["tasks"]:
            task |= {"success": True, "failure": None}
    (tmp_path / "results.json").write_text(json.dumps(results))
    assert failure_table(read_run(tmp_path)) is None
    assert 'id="failures"' not in write_report([tmp_path], tmp_path / "page.html").read_text()


def test_the_terminal_counts_labels(run_dir, baseline_dir):
    stream = io.StringIO()
    print_summary([run_dir, baseline_dir], console=Console(file=stream, width=120))
    rows = dict(re.findall(r"failed: ([\w ]+?) +│ +(\d+) │ +\d+ │", stream.getvalue()))
    sums = Counter()
    for (_, label), count in failed(run_dir).items():
        sums[label.replace("_", " ")] += count
    assert {name: int(count) for name, count in rows.items()} == sums
