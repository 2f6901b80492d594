import json

import numpy as np
import pytest
import torch
from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

from robovlms.core.errors import UserError
from robovlms.pretraining import tiny_vlm_path
from robovlms.pretraining.answering import Answerer
from robovlms.pretraining.exam import examine
from robovlms.pretraining.marking import SCALES, error, is_right
from robovlms.pretraining.pool import held_out_frames, teleported
from robovlms.pretraining.questions import SHARES
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
    assert json.loads((directory / "config.json").read_text())["model_type"] == "cohere2_vision"


def test_the_packaged_tokenizer_is_the_one_the_code_builds():
    packaged = AutoTokenizer.from_pretrained(tiny_vlm_path())
    assert packaged.get_vocab() == tiny_tokenizer().get_vocab()


def test_the_card_has_figures_for_both_sets():
    card = (tiny_vlm_path() / "README.md").read_text()
    assert card.startswith("---\n")
    assert "`point_offset`" in card
    assert "$" not in card


def examined(scenes, number):
    try:
        frames = held_out_frames(scenes, 99, number, (teleported,))
    except UserError:
        pytest.skip("no OpenGL backend")
    answerer = Answerer(tiny_vlm_path())
    asked = examine(frames, number, np.random.default_rng(0))
    pairs = list(zip(asked, answerer.answer(answerer.look(frames), asked), strict=True))
    gaps = {
        kind: np.median([g for q, a in pairs if q.kind == kind and (g := error(kind, a, q.answer)) is not None])
        for kind in SCALES
    }
    right = {kind: np.mean([is_right(kind, a, q.answer) for q, a in pairs if q.kind == kind]) for kind in SHARES}
    return gaps, right


@pytest.mark.render
def test_the_packaged_model_finds_things_and_reads_fixtures_in_new_states():
    gaps, right = examined("ABC", 45)
    assert gaps["detect_static"] < 3.0
    assert gaps["offset"] < 8.0
    assert right["where_is"] > 0.75
    assert min(right["fixture_choice"], right["fixture_yes_no"]) > 0.7


@pytest.mark.render
def test_the_packaged_model_reads_fixtures_of_a_scene_it_never_saw():
    _, right = examined("D", 45)
    assert min(right["fixture_choice"], right["fixture_yes_no"]) > 0.7


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
