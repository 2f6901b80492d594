"""The forward pass of pre-training: images once, many questions about each, logits at answers only.

It equals the stock Hugging Face forward of the saved directory (tested), which would encode the images of a pair
again for each question and compute logits everywhere.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import Cohere2VisionForConditionalGeneration

from robovlms.pretraining.batches import TextBatch
from robovlms.pretraining.model import NUM_IMAGES


def paired(tokens: Float[Tensor, "f t e"]) -> Float[Tensor, "p s e"]:
    """The tokens of both images of a pair, one after the other."""
    return tokens.unflatten(0, (-1, NUM_IMAGES)).flatten(1, 2)


def connect(model: Cohere2VisionForConditionalGeneration, features: Float[Tensor, "p s e"]) -> Float[Tensor, "p t d"]:
    """From what the tower said of both images of a pair to image tokens in the language model's space."""
    images = features.unflatten(1, (NUM_IMAGES, -1)).flatten(0, 1)
    return paired(model.model.multi_modal_projector(images).flatten(1, 2))


def encode_images(
    model: Cohere2VisionForConditionalGeneration, pixels: Float[Tensor, "f 3 h w"]
) -> Float[Tensor, "p t d"]:
    """Image tokens of each pair in the language model's space."""
    return connect(model, paired(model.model.vision_tower(pixels).last_hidden_state))


@torch.no_grad()
def spread_projection(model: Cohere2VisionForConditionalGeneration, features: Float[Tensor, "f s e"]) -> None:
    """Begin the connector so that what differs between images, not their large common mean, fills the image tokens."""
    projector = model.model.multi_modal_projector
    merged = projector.pixel_shuffle(features).flatten(0, 2)
    mean = merged.mean(0)
    _, sizes, directions = torch.linalg.svd(merged - mean, full_matrices=False)
    linear = projector.linear_1
    kept = min(linear.out_features, len(sizes))
    spread = sizes[:kept] / len(merged) ** 0.5
    whitened = directions[:kept] / (spread + 0.05 * spread[0])[:, None]
    mixed = torch.linalg.qr(torch.randn(linear.out_features, linear.out_features))[0][:, :kept] @ whitened
    linear.weight.copy_(mixed)
    linear.bias.copy_(-mixed @ mean)


def hidden_states(
    model: Cohere2VisionForConditionalGeneration, images: Float[Tensor, "p s d"], texts: TextBatch
) -> Float[Tensor, "b t d"]:
    """Last hidden states of the text tokens; each row's image tokens come first."""
    language = model.model.language_model
    embeds = torch.cat([images[texts.frame], language.embed_tokens(texts.ids)], dim=1)
    output = language(inputs_embeds=embeds, use_cache=False)  # causal, so padding on the right is seen by no token
    return output.last_hidden_state[:, images.shape[1] :]


def summary_state(model: Cohere2VisionForConditionalGeneration, images: Float[Tensor, "p s d"]) -> Float[Tensor, "p d"]:
    """What <bos> holds after the first layer, when it stands alone behind the image tokens."""
    language = model.model.language_model
    begin = torch.full((len(images), 1), language.config.bos_token_id)
    states = torch.cat([images, language.embed_tokens(begin)], dim=1)
    total = states.shape[1]
    place = torch.arange(total)[None]
    turns = language.rotary_emb(states, position_ids=place)
    everything = torch.zeros(1, 1, total, total)  # only the last token is read, and it sees all
    first = language.layers[0]
    return first(states, attention_mask=everything, position_ids=place, position_embeddings=turns)[:, -1]


def answer_places(texts: TextBatch) -> Bool[Tensor, "b s"]:
    """Which tokens belong to answers (the end token included)."""
    place = torch.arange(texts.ids.shape[1])
    return (place >= texts.prefix[:, None]) & (place < texts.length[:, None])


def answer_logits(
    model: Cohere2VisionForConditionalGeneration, images: Float[Tensor, "p s d"], texts: TextBatch
) -> tuple[Float[Tensor, "n v"], Int[Tensor, " n"]]:
    """Logits that predict the answers' tokens, and those tokens."""
    places = answer_places(texts)
    hidden = hidden_states(model, images, texts)[:, :-1][places[:, 1:]]
    return model.lm_head(hidden), texts.ids[places]


@torch.inference_mode()
def greedy(
    model: Cohere2VisionForConditionalGeneration, images: Float[Tensor, "p s d"], texts: TextBatch, steps: int, end: int
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
