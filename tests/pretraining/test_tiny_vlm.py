import json

import numpy as np
import pytest
import torch
from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

from robovlms.core.errors import UserError
from robovlms.pretraining import tiny_vlm_path
from robovlms.pretraining.answering import Answerer
from robovlms.pretraining.exam import SCALES, error, examine, is_right
from robovlms.pretraining.pool import held_out_frames, teleported
from robovlms.pretraining.vocabulary import tiny_tokenizer
from robovlms.worlds.tabletop import Tabletop


def test_the_package_holds_an_ordinary_small_checkpoint():
    directory = tiny_vlm_path()
    assert sum(file.stat().st_size for file in directory.iterdir()) < 10e6
    model, info = AutoModelForImageTextToText.from_pretrained(directory, output_loading_info=True)
    assert not info["missing_keys"] | info["unexpected_keys"] | info["mismatched_keys"]
    assert 1e6 < sum(parameter.numel() for parameter in model.parameters()) < 4e6
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert AutoImageProcessor.from_pretrained(directory, backend="pil").size == {"height": 64, "width": 64}
    assert json.loads((directory / "config.json").read_text())["model_type"] == "paligemma"


def test_the_packaged_tokenizer_is_the_one_the_code_builds():
    packaged = AutoTokenizer.from_pretrained(tiny_vlm_path())
    assert packaged.get_vocab() == tiny_tokenizer().get_vocab()


def test_the_card_has_figures_for_both_sets():
    card = (tiny_vlm_path() / "README.md").read_text()
    assert card.startswith("---\n")
    assert "`point_offset`" in card
    assert "$" not in card


@pytest.mark.render
def test_the_packaged_model_finds_things_in_new_states():
    try:
        frames = held_out_frames("ABC", 99, 45, (teleported,))
    except UserError:
        pytest.skip("no OpenGL backend")
    answerer = Answerer(tiny_vlm_path())
    asked = examine(frames, np.random.default_rng(0))
    answers = answerer.answer(answerer.look(frames), asked)
    pairs = [(q, a) for q, a in zip(asked, answers, strict=True)]
    gaps = {
        kind: np.median([g for q, a in pairs if q.kind == kind and (g := error(kind, a, q.answer)) is not None])
        for kind in SCALES
    }
    assert gaps["detect_static"] < 3.0
    assert gaps["offset"] < 8.0
    where = [is_right(q.kind, a, q.answer) for q, a in pairs if q.kind == "where_is"]
    assert np.mean(where) > 0.75


@pytest.mark.slow
@pytest.mark.render
def test_examination_runs_end_to_end(tmp_path):
    from robovlms.pretraining.evaluate import main

    try:
        Tabletop("A").render("static")
    except UserError:
        pytest.skip("no OpenGL backend")
    torch.set_num_threads(1)
    assert main([str(tiny_vlm_path()), "--frames", "12", "--out", str(tmp_path / "vqa.json")]) == 0
    result = json.loads((tmp_path / "vqa.json").read_text())
    assert set(result["sets"]) == {"ABC", "D"}
    assert result["sets"]["D"]["offset"]["model"]["unit"] == "cm"
