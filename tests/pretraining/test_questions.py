import numpy as np
import pytest

from robovlms.pretraining import ask_places, ask_scene
from robovlms.pretraining.frames import CAMERAS, POINTS, SURFACES, Frame
from robovlms.pretraining.imagined import imagined_frame, imagined_frames
from robovlms.pretraining.locations import metric_value, to_bins
from robovlms.pretraining.questions import ONE_WORD, SHARES, ask, ask_some
from robovlms.pretraining.targets import target_of
from robovlms.worlds.tabletop.language import instructions
from robovlms.worlds.tabletop.state import BLOCKS
from robovlms.worlds.tabletop.tasks import TASKS


@pytest.fixture
def frame(rng):
    """Red held, blue on the table to the right, pink on blue; everything shows."""
    frame = imagined_frame(rng)
    record = frame.record
    record["visible"] = True
    record["surface"] = [SURFACES.index(name) for name in ("gripper", "table", "block")]
    record["below"], record["held"] = [-1, -1, BLOCKS.index("blue")], BLOCKS.index("red")
    record["points"][POINTS.index("gripper")] = (0.0, 0.0, 0.1)
    record["points"][:3] = [(0.0, 0.0, 0.1), (0.2, 0.0, 0.02), (0.2, 0.0, 0.07)]
    record["drawer"], record["slider"], record["bulb"], record["led"] = 0.18, 0.0, True, False
    return frame


def answers(function, frame, number=200):
    rng = np.random.default_rng(0)
    return dict(question for _ in range(number) if (question := function(frame, rng)))


def test_fixture_questions(frame):
    told = answers(ask_scene.fixture_choice, frame)
    assert told["is the drawer open or closed?"] == "open"
    assert told["is the door on the left or on the right?"] == "right"
    assert told["is the light bulb on or off?"] == "on"
    assert told["led:"] == "off"
    closed = answers(ask_scene.fixture_yes_no, frame)
    assert closed["is the drawer open?"] == "yes"
    assert closed["is the drawer closed?"] == "no"
    assert answers(ask_scene.fixture_amount, frame)["how far is the drawer open?"] == "fully"


def test_block_questions(frame):
    assert answers(ask_scene.held, frame)["held:"] == "red block"
    where = answers(ask_scene.where_is, frame)
    assert where["where is the red block?"] == "in the gripper"
    assert where["where is the pink block?"] == "on the blue block"
    assert where["where is the blue block?"] == "on the table"
    assert answers(ask_scene.stacked, frame)["is there a stack?"] == "yes"
    assert answers(ask_scene.count, frame)["how many blocks are on the table?"] == "one"
    assert answers(ask_scene.nearest, frame)["nearest block:"] == "red"
    assert answers(ask_scene.side_of, frame)["is the blue block left or right of the red block?"] == "right"
    assert answers(ask_scene.caption_blocks, frame)["describe the blocks."] == (
        "pink on blue, red in the gripper, blue on the table"
    )


def test_hidden_blocks_are_not_asked_for(frame):
    frame.record["visible"][:, POINTS.index("blue")] = False
    for kind in ("detect_static", "detect_wrist", "offset", "angle", "where_is", "nearest"):
        assert not [prompt for prompt in answers(SHARES[kind][0], frame) if "blue" in prompt], kind
    assert "how many blocks can you see?" in answers(ask_scene.count, frame)
    assert answers(ask_scene.count, frame)["how many blocks can you see?"] == "two"


def test_offsets_point_from_the_gripper_to_the_thing(frame):
    answer = answers(ask_places.offset, frame)["where is the blue block from the gripper?"]
    offset = [metric_value(index) for index in to_bins(answer)]
    assert offset == pytest.approx([0.2, 0.0, -0.08], abs=0.008)


def test_pixels_come_row_first(frame):
    frame.record["pixels"][0, POINTS.index("blue")] = (40.2, 7.9)
    assert answers(ask_places.detect_static, frame, 600)["detect blue block"] == "<loc07><loc40>"


def test_instructions_are_about_the_right_thing(frame):
    assert target_of("lift_blue_block_table", frame) == "blue"
    assert target_of("stack_block", frame) == "blue"
    assert target_of("unstack_block", frame) == "pink"
    assert target_of("push_into_drawer", frame) == "blue"
    assert target_of("turn_on_led", frame) == "button"
    assert all(target_of(task, frame) in POINTS for task in TASKS)


def test_pointing_uses_training_sentences_only():
    rng = np.random.default_rng(1)
    training = {s for task in TASKS for s in instructions(task, "train")}
    validation = {s for task in TASKS for s in instructions(task, "validation")}
    asked = [ask("point_offset", frame, rng) for frame in imagined_frames(rng, 500)]
    prompts = {question[0] for question in asked if question}
    assert prompts <= training
    assert not prompts & validation


def test_drawing_is_repeatable_and_follows_the_shares():
    frames = imagined_frames(np.random.default_rng(2), 300)
    drawn = [question for f in frames for question in ask_some(f, np.random.default_rng(3), 4)]
    assert drawn == [question for f in frames for question in ask_some(f, np.random.default_rng(3), 4)]
    kinds = [
        kind
        for f, seed in zip(frames, range(300), strict=True)
        for kind, *_ in ask_some(f, np.random.default_rng(seed), 8)
    ]
    assert set(kinds) == set(SHARES)
    assert 0.2 < np.mean([kind.startswith("point_") for kind in kinds]) < 0.5


def test_a_record_has_every_camera_and_point():
    frame = Frame(imagined_frame(np.random.default_rng(0)).record)
    assert frame.images.shape == (len(CAMERAS), 64, 64, 3)
    assert frame.position("shelf").shape == (3,)


def test_one_word_questions_have_short_answers_without_places():
    rng = np.random.default_rng(1)
    asked = [q for f in imagined_frames(rng, 80) for q in ask_some(f, rng, 6, one_word=True)]
    assert {kind for kind, *_ in asked} == set(ONE_WORD)
    assert max(len(answer.split()) for *_, answer in asked) <= 4
    assert not [answer for *_, answer in asked if "<loc" in answer]
