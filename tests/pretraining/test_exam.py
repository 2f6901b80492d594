import json
from collections import Counter

import pytest

from robovlms.pretraining.batches import Prompted
from robovlms.pretraining.evaluate import main
from robovlms.pretraining.exam import Majority, examine
from robovlms.pretraining.imagined import imagined_frames
from robovlms.pretraining.locations import from_bins, metric_bin, pixel_bin
from robovlms.pretraining.marking import SCALES, error, is_right, mark
from robovlms.pretraining.verdict import clearly_above, limits


def test_words_must_be_equal():
    assert is_right("held", "red block", "red block")
    assert not is_right("held", "red", "red block")


def test_places_are_judged_in_their_units():
    truth = from_bins([metric_bin(0.0), metric_bin(0.1), metric_bin(-0.05)])
    near = from_bins([metric_bin(0.0), metric_bin(0.1), metric_bin(-0.07)])
    assert error("offset", near, truth) == pytest.approx(2.0, abs=0.9)
    assert is_right("offset", near, truth)
    assert error("detect_static", from_bins([10, 13]), from_bins([pixel_bin(10.2), pixel_bin(9.5)])) == 4.0
    assert not is_right("detect_static", "<loc10>", "<loc10><loc10>")
    assert error("angle", "<loc00>", "<loc63>") == pytest.approx(180 / 64)


def test_the_majority_sees_wordings_not_images(rng):
    asked = [Prompted(i, "held", "held:", "nothing" if i % 3 else "red block") for i in range(9)]
    majority = Majority(asked)
    assert majority(Prompted(0, "held", "held:", "red block")) == "nothing"
    assert majority(Prompted(0, "held", "another wording", "x")) == "nothing"


def test_the_majority_answers_a_place_where_most_truths_are_near():
    """The median would be 30, which is near nothing."""
    bins = [9, 10, 11, 10, 30, 50, 55, 60, 63]
    majority = Majority([Prompted(i, "detect_static", "detect led", from_bins([b, b])) for i, b in enumerate(bins)])
    assert majority(Prompted(0, "detect_static", "detect led", "")) in {
        "<loc09><loc09>",
        "<loc10><loc10>",
        "<loc11><loc11>",
    }


def test_an_exam_asks_each_kind_once_a_frame_about_one_place(rng):
    asked = examine(imagined_frames(rng, 30), 20, rng)
    keys = [(question.frame, question.kind) for question in asked]
    assert len(keys) == len(set(keys))
    assert Counter(question.kind for question in asked)["held"] == 20
    assert not [q for q in asked if q.kind in SCALES and "," in q.prompt]


def test_marks_hold_intervals_and_errors():
    asked = [Prompted(i, "detect_static", "detect button", "<loc10><loc10>") for i in range(4)]
    marks = mark("detect_static", asked, ["<loc10><loc10>", "<loc10><loc11>", "<loc30><loc10>", "no"])
    assert marks["accuracy"] == 0.5
    assert marks["ci95"][0] < 0.5 < marks["ci95"][1]
    assert marks["median_error"] == 1.0
    json.dumps(marks)


def test_marks_tell_which_answers_were_right():
    asked = [Prompted(i, "stacked", "is there a stack?", truth) for i, truth in enumerate(["yes", "yes", "no"])]
    assert mark("stacked", asked, ["no", "yes", "no"])["by_answer"] == {"yes": [1, 2], "no": [1, 1]}


def test_no_model_is_one_clear_message(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert "no vision-language model" in capsys.readouterr().err


def marks_of(rate, blind, majority):
    def made(accuracy):
        return {"accuracy": accuracy, "ci95": [accuracy - 0.05, accuracy + 0.05], "unit": "px", "median_error": 2.5}

    return {"model": made(rate), "text_only": made(blind), "majority": made(majority)}


def test_clearly_above_means_that_no_intervals_meet():
    assert clearly_above(marks_of(0.71, 0.6, 0.3))
    assert not clearly_above(marks_of(0.69, 0.6, 0.3))
    assert not clearly_above(marks_of(0.69, 0.3, 0.6))


def test_limits_are_read_off_the_marks():
    good, bad = marks_of(0.9, 0.1, 0.1), marks_of(0.5, 0.5, 0.1)
    sets = {"ABC": {"detect_static": good, "held": good}, "D": {"detect_static": bad, "held": bad}}
    text = limits(sets)
    assert "A to C: 2 of 2 kinds are clearly above both baselines." in text
    assert "D: 0 of 2 kinds are clearly above both baselines; not `detect_static` and `held`." in text
    assert "`detect_static` 2.5 px and 2.5 px" in text


def test_limits_name_answers_that_are_hardly_ever_right():
    """A kind may stand above its baselines while one of its answers is never given."""
    good = marks_of(0.9, 0.1, 0.1)
    good["model"]["by_answer"] = {"on the table": [30, 30], "on the red block": [1, 20], "in the air": [0, 2]}
    text = limits({"ABC": {"where_is": good}, "D": {"where_is": good}})
    assert "10% of the cases where they are true: `where_is` 'on the red block'." in text
