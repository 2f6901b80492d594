"""The forward pass of pre-training: images once, many questions about each, logits at answers only.

It equals the stock Hugging Face forward of the saved directory (tested), which would encode the images of a pair
again for each question and compute logits everywhere.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import PaliGemmaForConditionalGeneration

from robovlms.pretraining.batches import TextBatch
from robovlms.pretraining.model import NUM_IMAGES


def encode_images(
    model: PaliGemmaForConditionalGeneration, pixels: Float[Tensor, "f 3 h w"]
) -> tuple[Float[Tensor, "p s d"], Float[Tensor, "p t e"]]:
    """Image tokens of each pair in the language model's space, and as they leave the tower."""
    features = model.model.vision_tower(pixels).last_hidden_state
    tokens = model.model.multi_modal_projector(features)
    return tokens.unflatten(0, (-1, NUM_IMAGES)).flatten(1, 2), features.unflatten(0, (-1, NUM_IMAGES)).flatten(1, 2)


@torch.no_grad()
def spread_projection(model: PaliGemmaForConditionalGeneration, features: Float[Tensor, "n e"]) -> None:
    """Begin the projector so that what differs between images, not their large common mean, fills the image tokens."""
    mean = features.mean(0)
    _, sizes, directions = torch.linalg.svd(features - mean, full_matrices=False)
    linear = model.model.multi_modal_projector.linear
    kept = min(linear.out_features, len(sizes))
    spread = sizes[:kept] / len(features) ** 0.5
    whitened = directions[:kept] / (spread + 0.05 * spread[0])[:, None]
    mixed = torch.linalg.qr(torch.randn(linear.out_features, linear.out_features))[0][:, :kept] @ whitened
    linear.weight.copy_(mixed)
    linear.bias.copy_(-mixed @ mean)


def attention_mask(prefix: Int[Tensor, " b"], length: Int[Tensor, " b"], total: int) -> Float[Tensor, "b 1 s s"]:
    """Additive mask: the prefix sees itself whole, later tokens see what is before them, nobody sees padding."""
    place = torch.arange(total)
    inside = place < prefix[:, None]
    seen = (place[:, None] >= place) | (inside[:, :, None] & inside[:, None, :])
    seen = seen & (place < length[:, None])[:, None, :]
    return torch.where(seen, 0.0, torch.finfo(torch.float32).min)[:, None]


def hidden_states(
    model: PaliGemmaForConditionalGeneration, images: Float[Tensor, "p s d"], texts: TextBatch
) -> Float[Tensor, "b t d"]:
    """Last hidden states of the text tokens; each row's image tokens come first in its prefix."""
    language = model.model.language_model
    embeds = torch.cat([images[texts.frame], language.embed_tokens(texts.ids)], dim=1)
    shift, total = images.shape[1], embeds.shape[1]
    output = language(
        inputs_embeds=embeds,
        attention_mask=attention_mask(texts.prefix + shift, texts.length + shift, total),
        position_ids=torch.arange(1, total + 1)[None],
        use_cache=False,
    )
    return output.last_hidden_state[:, shift:]


def summary_state(model: PaliGemmaForConditionalGeneration, images: Float[Tensor, "p s d"]) -> Float[Tensor, "p d"]:
    """What <bos> holds after the first layer, when it stands alone behind the image tokens."""
    language = model.model.language_model
    begin = torch.full((len(images), 1), language.config.bos_token_id)
    states = torch.cat([images, language.embed_tokens(begin)], dim=1)
    total = states.shape[1]
    place = torch.arange(1, total + 1)[None]
    turns = language.rotary_emb(states, position_ids=place)
    everything = torch.zeros(1, 1, total, total)
    first = language.layers[0]
    return first(states, attention_mask=everything, position_ids=place, position_embeddings=turns)[:, -1]


def answer_places(texts: TextBatch) -> Bool[Tensor, "b s"]:
    """Which tokens belong to answers (the end token included)."""
    place = torch.arange(texts.ids.shape[1])
    return (place >= texts.prefix[:, None]) & (place < texts.length[:, None])


def answer_logits(
    model: PaliGemmaForConditionalGeneration, images: Float[Tensor, "p s d"], texts: TextBatch
) -> tuple[Float[Tensor, "n v"], Int[Tensor, " n"]]:
    """Logits that predict the answers' tokens, and those tokens."""
    places = answer_places(texts)
    hidden = hidden_states(model, images, texts)[:, :-1][places[:, 1:]]
    return model.lm_head(hidden), texts.ids[places]


@torch.inference_mode()
def greedy(
    model: PaliGemmaForConditionalGeneration, images: Float[Tensor, "p s d"], texts: TextBatch, steps: int, end: int
) -> Int[Tensor, "b k"]:
    """Answer greedily, without a cache (answers are short). ``texts`` holds questions only, all of one length."""
    ids, done = texts.ids, torch.zeros(len(texts.ids), dtype=torch.bool)
    for _ in range(steps):
        now = TextBatch(texts.frame, ids, texts.prefix, torch.full_like(texts.length, ids.shape[1]))
        best = model.lm_head(hidden_states(model, images, now)[:, -1]).argmax(-1)
        ids = torch.cat([ids, best.masked_fill(done, end)[:, None]], dim=1)
        done |= best == end
        if bool(done.all()):
            break
    return ids[:, texts.ids.shape[1] :]
