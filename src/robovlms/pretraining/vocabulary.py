"""Every word the tiny VLM has a token for."""

from transformers import PreTrainedTokenizerFast

from robovlms.pretraining.questions import every_wording
from robovlms.pretraining.tokenizer import build_tokenizer, words_of
from robovlms.worlds.tabletop.language import instructions
from robovlms.worlds.tabletop.tasks import TASKS

HOUSEHOLD = """
apple arm arrange away banana bag ball basket beside between big bin black board bottle bottom bowl box bread broom
brown brush burner can carrot cheese clean cloth coffee container cook corner corn counter cover cup cupboard cutting
dish dishes dry eggplant empty end faucet fill first flat fold food fork fridge front fruit gold gray grey hand hang
hinge horizontal hot insert into item jar keep ketchup kitchen knife knob lemon lid long marker meat metal microwave
middle mug mushroom napkin next object objects onion orange oven pan paper pen pepper picture plastic plate plug point
pot potato pour purple rack rag rope round row salt scoop second shelf silver sink small soap spatula sponge spoon
square steak stir stove strawberry sushi sweet sink tap tape than them then these thing third those through tin toast
tomato towel toy tray under unfold upright upside vegetable vertical wall wash water white wipe with wooden yellow
your front block lever plates near cloths drawers slowly carefully gently robot open task done
"""
"""Words of other kitchens and desks. Pre-training never shows them; a fine-tuning starts with one token each."""


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """The packaged tokenizer: words of the questions, of the training instructions, and household words."""
    texts = [sentence for task in TASKS for sentence in instructions(task, "train")]
    return build_tokenizer(words_of([*texts, *every_wording(), HOUSEHOLD]))
