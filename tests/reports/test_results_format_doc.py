"""The example in docs/results_format.md is a real results file."""

import re
from pathlib import Path

import pytest

from robovlms.evaluation import results

PAGE = Path(__file__).parents[2] / "docs" / "results_format.md"


def test_the_example_loads_and_its_numbers_follow(tmp_path):
    example = re.search(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    (tmp_path / "results.json").write_text(example)
    read = results.load(tmp_path)
    assert read.protocol_digest == read.protocol.digest()
    metrics = results.metrics_of(read.episodes, read.protocol.chain_length)
    assert list(read.metrics) == list(metrics)
    for name, metric in metrics.items():
        assert (read.metrics[name].value, read.metrics[name].n) == (metric.value, metric.n)
        assert read.metrics[name].ci95 == pytest.approx(metric.ci95, abs=1e-4)


def test_every_field_is_explained():
    text = PAGE.read_text(encoding="utf-8")
    fields = [*results.Results.model_fields, *results.EpisodeResult.model_fields, *results.TaskResult.model_fields]
    fields += [*results.Metric.model_fields, *results.Protocol.model_fields]
    assert [name for name in fields if f'"{name}"' not in text and f"`{name}`" not in text] == []
