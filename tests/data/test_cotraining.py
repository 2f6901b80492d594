"""Questions about images among robot batches: read strictly, spread evenly, and a function of the step alone."""

import json

import numpy as np
import pytest
import torch

from robovlms.actions.spec import ImageSpec
from robovlms.core.batch import Batch
from robovlms.core.errors import CorruptData, UserError
from robovlms.core.vl_batch import VLBatch
from robovlms.data.conversations import VLDataConfig
from robovlms.data.cotraining import CoTraining, VLLoader
from robovlms.data.images import encode_image
from robovlms.data.loader import Loader

SPEC = ImageSpec(size=8)


def entry(number: int, **changes) -> dict:
    turns = [f"<image>\nWhat is {number}?", f"It is {number}.", "Which colour?", "Red."]
    conversation = [{"from": ("human", "gpt")[i % 2], "value": text} for i, text in enumerate(turns)]
    return {"id": str(number), "image": f"set/{number}.png", "conversations": conversation} | changes


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "set").mkdir()
    for number in range(5):
        (tmp_path / f"set/{number}.png").write_bytes(encode_image(np.full((8, 8, 3), 10 * number, np.uint8)))
    plain = [{"from": "human", "value": "What is 2 + 2?"}, {"from": "gpt", "value": "4"}]
    write(tmp_path, [*(entry(number) for number in range(5)), {"id": "text", "conversations": plain}])
    return tmp_path


def write(folder, content):
    (folder / "vl.json").write_text(content if isinstance(content, str) else json.dumps(content))


def loader(folder, weight=0.25, seed=0) -> VLLoader:
    config = VLDataConfig(path=folder / "vl.json", weight=weight, loss_weight=0.5)
    return VLLoader(config.open(), config, SPEC, batch_size=4, seed=seed)


def facts(batch: VLBatch) -> list[tuple]:
    return list(zip(batch.questions, batch.answers, batch.images.numpy().mean((1, 2, 3)), strict=True))


class Robots(Loader):
    """Batches that hold nothing but their number."""

    def __init__(self):
        pass

    def batch(self, index, rank=0, world_size=1):
        none = torch.zeros(0, 1)
        rows, no_row = none.long(), none[:, 0].long()
        numbers = {"frame_id": torch.tensor([index]), "frame_index": rows, "instruction_index": no_row}
        labels = {"state": none[..., None], "actions": none[..., None, None], "action_mask": none[..., None].bool()}
        return Batch({}, **numbers, **labels, frame_valid=none.bool(), instructions=(), dataset_id=no_row)


def number(batch) -> int:
    return int(batch.frame_id)


def test_each_question_is_asked_with_its_own_image(folder):
    found = {fact for number in range(11) for fact in facts(loader(folder).batch(number))}
    assert len(loader(folder).data) == 11
    expected = {(f"What is {n}?", f"It is {n}.", 10.0 * n) for n in range(5)}
    expected |= {("Which colour?", "Red.", 10.0 * n) for n in range(5)} | {("What is 2 + 2?", "4", 0.0)}
    assert found == expected
    batch = loader(folder).batch(0)
    assert batch.has_image.tolist() == [question != "What is 2 + 2?" for question in batch.questions]
    assert batch.loss_weight == 0.5


def test_questions_are_the_same_for_any_ranks_and_differ_by_seed(folder):
    for index in (0, 7):
        whole = facts(loader(folder).batch(index))
        for world_size in (2, 4):
            shares = [facts(loader(folder).batch(index, rank, world_size)) for rank in range(world_size)]
            assert [shares[i % world_size][i // world_size] for i in range(4)] == whole
            together = {loader(folder).batch(index, rank, world_size).all_answers for rank in range(world_size)}
            assert together == {tuple(answer for _, answer, _ in whole)}
    assert facts(loader(folder).batch(0)) != facts(loader(folder, seed=1).batch(0))
    with pytest.raises(UserError, match="does not divide over 3"):
        loader(folder).batch(0, 0, 3)


@pytest.mark.parametrize("weight", [0.1, 0.25, 1 / 3, 0.7])
def test_steps_are_shared_in_proportion_and_resumed_anywhere(folder, weight):
    made = lambda: CoTraining(Robots(), loader(folder, weight))  # noqa: E731
    steps = [step for step, _ in zip(made().stream(), range(60), strict=False)]
    asked = [isinstance(step, VLBatch) for step in steps]
    for end in range(1, 61):
        assert abs(sum(asked[:end]) - weight * end) < 1
    assert [number(step) for step in steps if not isinstance(step, VLBatch)] == list(range(60 - sum(asked)))
    questions = [facts(step) for step in steps if isinstance(step, VLBatch)]
    assert questions == [facts(loader(folder).batch(i)) for i in range(len(questions))]
    for first in (1, 17):
        later = [step for step, _ in zip(made().stream(first), range(5), strict=False)]
        for one, other in zip(later, steps[first:], strict=False):
            assert facts(one) == facts(other) if isinstance(other, VLBatch) else number(one) == number(other)


def test_without_weight_only_robots_are_left(folder):
    stream = CoTraining(Robots(), loader(folder, 0)).stream()
    assert [number(step) for step, _ in zip(stream, range(20), strict=False)] == list(range(20))


def turns(*texts, start=0):
    return [{"from": ("human", "gpt")[(i + start) % 2], "value": text} for i, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "got dict at the top, expected list"),
        ("[", "is not valid JSON"),
        ([], "holds no question"),
        ([7], "entry 0: got 7, expected an object with a list 'conversations'"),
        ([entry(0, conversations="what")], "expected an object with a list"),
        ([entry(0), entry(1, conversations=[])], "entry 1: got 0 turns"),
        ([entry(0, conversations=turns("<image> what?"))], "got 1 turns, expected questions and answers"),
        ([entry(0, conversations=turns("It is", "what?", start=1))], "turn 0: got .*expected from 'human'"),
        ([entry(0, conversations=turns("what?", "It is."))], "got 0 marks <image>, expected one"),
        ([entry(0, conversations=turns("<image><image> what?", "It is."))], "got 2 marks"),
        ([entry(0, conversations=turns("<image> what?", "<image>"))], "got 2 marks"),
        ([entry(0, conversations=turns("<image>", "It is."))], "turn 0: there is no text"),
        ([{"conversations": turns("<image> what?", "It is.")}], "expected none, as there is no image"),
        ([entry(0, image=["a", "b"])], "expected a path"),
        ([entry(0, image="../0.png")], r"entry 0 leads out of the data set: '\.\./0\.png'"),
        ([entry(0, image="set/9.png")], r"set/9\.png is missing"),
    ],
)
def test_a_wrong_entry_is_named(folder, content, message):
    write(folder, content)
    with pytest.raises(CorruptData, match=message):
        VLDataConfig(path=folder / "vl.json").open()


def test_a_damaged_image_is_named(folder):
    (folder / "set/3.png").write_bytes(b"no image")
    with pytest.raises(CorruptData, match=r"set/3\.png: the image cannot be decoded"):
        [loader(folder).batch(number) for number in range(3)]
