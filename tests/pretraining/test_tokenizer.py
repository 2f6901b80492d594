import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from robovlms.pretraining import tiny_vlm_path
from robovlms.pretraining.locations import NUM_BINS, location_token
from robovlms.worlds.tabletop.language import instructions
from robovlms.worlds.tabletop.tasks import TASKS

TOKENIZER = AutoTokenizer.from_pretrained(tiny_vlm_path())


@pytest.mark.parametrize("split", ["train", "validation"])
def test_every_word_of_an_instruction_is_one_token(split):
    sentences = {sentence for task in TASKS for sentence in instructions(task, split)}
    for sentence in sentences:
        ids = TOKENIZER(sentence)["input_ids"]
        assert ids[0] == TOKENIZER.bos_token_id
        assert len(ids) == 1 + len(sentence.split()), sentence


def test_case_does_not_matter_and_text_comes_back():
    ids = TOKENIZER("Push the RED block, left")["input_ids"]
    assert ids == TOKENIZER("push the red block, left")["input_ids"]
    assert TOKENIZER.decode(ids, skip_special_tokens=True) == "push the red block, left"


def test_location_tokens_are_consecutive_single_tokens():
    first = TOKENIZER.get_vocab()[location_token(0)]
    answer = "".join(location_token(i) for i in range(NUM_BINS))
    assert TOKENIZER(answer, add_special_tokens=False)["input_ids"] == list(range(first, first + NUM_BINS))


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_encoded_without_unknown_tokens(text):
    ids = TOKENIZER(text)["input_ids"]
    assert all(0 <= index < len(TOKENIZER) for index in ids)
    assert "<unk>" in text.lower() or TOKENIZER.unk_token_id not in ids


def test_saved_tokenizer_is_the_same(saved, tokenizer):
    again = AutoTokenizer.from_pretrained(saved)
    texts = ["point: push the red block\n<loc03><loc63>", "put the carrot on the plate", "naïve 東京"]
    assert again(texts)["input_ids"] == tokenizer(texts)["input_ids"]
    padded = again(texts, padding=True)["input_ids"]
    assert padded[1][-1] == again.pad_token_id
    assert again.image_token == "<image>"
