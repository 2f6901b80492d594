"""KosMos-2's miniature."""

from typing import Any

from transformers import AddedToken, CLIPImageProcessorPil, Kosmos2Config, Kosmos2ForConditionalGeneration

from robovlms.backbones.tiny.parts import VIT, WIDTH, byte_tokenizer, ids_of

_TAGS = ("<image>", "</image>", "<phrase>", "</phrase>", "<object>", "</object>", "<grounding>")


def kosmos() -> tuple[Any, Any, Any]:
    """Four latent queries that sum up a CLIP tower of 32 pixels; tags are added words, as in the original."""
    tokenizer = byte_tokenizer("<unk>")
    tokenizer.unk_token = "<unk>"
    tokenizer.add_tokens([AddedToken(tag, lstrip=True, normalized=False) for tag in _TAGS])
    text = {"embed_dim": WIDTH, "ffn_dim": 48, "layers": 2, "attention_heads": 2, **ids_of(tokenizer)}
    config = Kosmos2Config(vision_config=VIT, text_config=text, latent_query_num=4)
    processor = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    return Kosmos2ForConditionalGeneration(config), tokenizer, processor


VARIANTS = {"kosmos": kosmos}
