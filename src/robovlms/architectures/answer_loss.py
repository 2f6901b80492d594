"""What a VLM loses on questions about images: the next-token cross-entropy of the answers."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Int
from torch import Tensor

from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Action, Image, Segment, Text
from robovlms.core.errors import UserError
from robovlms.core.vl_batch import VLBatch
from robovlms.heads.head import Losses


def answer_loss(backbone: Backbone, batch: VLBatch) -> Losses:
    """Mean over all tokens of all answers, each with the end of the text behind it.

    Where processes share a batch, the mean over them is that of the whole batch, however long each one's answers are.
    The prompt is ``[image, question, answer]`` in the family's wording. Questions are padded on the left, so that
    every answer begins in the same place, and answers are no part of a prefix that sees itself.
    """
    question = backbone.tokenize(batch.questions)
    media = backbone.see(batch.images, question if backbone.sees_by_text else None)
    ids, said = _answers(backbone, batch)
    segments: list[Segment] = [Image(media, batch.has_image), _ending_together(question)]
    hidden, _ = backbone.think(backbone.compose([*segments, Action(ids[:, :-1])]))
    logits = backbone.speak(hidden[:, -ids.shape[1] :][said])
    summed = F.cross_entropy(logits.float(), ids[said], reduction="sum")
    answers = summed / (_num_tokens(backbone, batch) * len(batch) / len(batch.all_answers))
    return Losses(batch.loss_weight * answers, {"answers": answers})


def require_askable(backbone: Backbone, texts: set[str]) -> None:
    """Refuse questions and answers that hold a special token, and a VLM that cannot end what it says.

    Raises:
        UserError: one does, or its tokenizer has no such token.
    """
    if backbone.tokenizer.eos_token_id is None:
        raise UserError("The VLM's tokenizer has no token that ends a text, so it cannot learn answers: drop vl_data.")
    for text in sorted(texts):
        backbone.require_plain(text)


def _answers(backbone: Backbone, batch: VLBatch) -> tuple[Int[Tensor, "b l"], Bool[Tensor, "b l"]]:
    """Token ids of the answers, padded on the right, and which of them are said."""
    rows = _tokens(backbone, batch.answers, batch.max_answer_tokens)
    lengths = torch.tensor([len(row) for row in rows])
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=backbone.tokenizer.eos_token_id)
    said = torch.arange(ids.shape[1]) < lengths[:, None]
    return ids.to(batch.images.device), said.to(batch.images.device)


def _num_tokens(backbone: Backbone, batch: VLBatch) -> int:
    """Of the answers of the whole batch."""
    return sum(map(len, _tokens(backbone, batch.all_answers, batch.max_answer_tokens)))


def _tokens(backbone: Backbone, answers: tuple[str, ...], most: int) -> list[Int[Tensor, " l"]]:
    """Each answer and the end of the text, cut at ``most``."""
    found = backbone.tokenizer(list(answers), add_special_tokens=False)["input_ids"]
    return [torch.tensor([*ids, backbone.tokenizer.eos_token_id][:most]) for ids in found]


def _ending_together(text: Text) -> Text:
    """The same texts, padded on the left."""
    order = text.valid.int().argsort(dim=1, stable=True)
    return Text(text.ids.gather(1, order), text.valid.gather(1, order), text.step)
