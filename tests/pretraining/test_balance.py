from collections import Counter

import numpy as np

from robovlms.pretraining.balance import balanced
from robovlms.pretraining.batches import Prompted
from robovlms.pretraining.exam import examine
from robovlms.pretraining.imagined import imagined_frames
from robovlms.pretraining.locations import from_bins, metric_bin, pixel_bin
from robovlms.pretraining.marking import is_right, same_answer


def asked(kind, prompt, answers, first=0):
    return [Prompted(first + index, kind, prompt, answer) for index, answer in enumerate(answers)]


def test_rare_answers_are_drawn_as_often_as_common_ones(rng):
    questions = asked("stacked", "is there a stack?", ["no"] * 940 + ["yes"] * 60)
    assert Counter(q.answer for q in balanced(questions, 100, rng)) == {"yes": 50, "no": 50}


def test_each_wording_is_balanced_apart(rng):
    """Were answers balanced over the kind only, each wording would give its answer away."""
    questions = asked("seen", "red?", ["yes"] * 300 + ["no"] * 30)
    questions += asked("seen", "blue?", ["no"] * 300 + ["yes"] * 30, first=330)
    drawn = Counter((q.prompt, q.answer) for q in balanced(questions, 80, rng))
    assert set(drawn.values()) == {20}
    assert len(drawn) == 4


def test_places_are_spread_over_cells_so_that_no_constant_does_well(rng):
    bins = [30 + int(index) for index in rng.integers(4, size=200)] + list(range(64)) * 2
    questions = asked("angle", "angle of the gripper:", [from_bins([index]) for index in bins])
    drawn = balanced(questions, 96, rng)
    assert best_constant(questions) > 0.6
    assert best_constant(drawn) < 0.25  # within 15 degrees of it lies a sixth of the half circle, and some grain
    assert set(Counter(same_answer("angle", q.answer) for q in drawn).values()) == {8}


def best_constant(questions):
    guesses = [from_bins([index]) for index in range(1, 64, 4)]
    return max(np.mean([is_right("angle", guess, q.answer) for q in questions]) for guess in guesses)


def test_a_cell_is_as_wide_as_the_tolerance():
    def place(row, column):
        return same_answer("detect_static", from_bins([pixel_bin(row), pixel_bin(column)]))

    assert place(10.2, 20.4) == place(11.9, 21.0) == (5, 10)
    assert place(12.1, 20.4) == (6, 10)
    assert same_answer("opening", from_bins([metric_bin(0.05)])) != same_answer(
        "opening", from_bins([metric_bin(0.07)])
    )
    assert same_answer("held", "red block") == "red block"


def test_a_frame_is_asked_about_once_and_another_takes_its_turn(rng):
    """Every frame offers both answers; the rare one is not lost to frames that are used already."""
    questions = [Prompted(frame, "count", "how many?", answer) for frame in range(40) for answer in ("one", "two")]
    drawn = balanced(questions, 40, rng)
    assert len({q.frame for q in drawn}) == 40
    assert Counter(q.answer for q in drawn) == {"one": 20, "two": 20}


def test_an_answer_that_has_run_out_leaves_its_rounds_to_the_others(rng):
    questions = asked("stacked", "is there a stack?", ["no"] * 50 + ["yes"] * 3)
    assert Counter(q.answer for q in balanced(questions, 20, rng)) == {"yes": 3, "no": 17}
    assert len(balanced(questions, 100, rng)) == 53


def test_the_draw_depends_on_the_seed_only():
    questions = asked("held", "held:", ["nothing", "red block"] * 30)
    first, again, other = (balanced(questions, 10, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_all_kinds_of_an_exam_are_balanced(rng):
    questions = examine(imagined_frames(rng, 100), 30, rng)
    for kind in ("stacked", "seen", "fixture_yes_no"):
        answers = Counter(q.answer for q in questions if q.kind == kind)
        assert 0.35 < answers["yes"] / answers.total() < 0.65
