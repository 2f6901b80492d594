"""The forward of a prompt makes no logits and keeps no layer's hidden states, on any family."""

import json
import weakref

import pytest
import torch
from families import CASES
from memory import peak_bytes
from torch.utils._python_dispatch import TorchDispatchMode

from robovlms.backbones.freezing import layers
from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.backbones.prompt import Image, Slot
from robovlms.backbones.tiny import write_tiny


def segments_of(backbone, rows=2):
    size = backbone.image_spec.size
    text = backbone.tokenize(["open the drawer"] * rows)
    media = backbone.see(torch.randint(0, 256, (rows, size, size, 3), dtype=torch.uint8), text)
    return [Image(media, torch.ones(rows, dtype=torch.bool)), text, Slot(torch.zeros(1, backbone.hidden_size))]


class Widths(TorchDispatchMode):
    """Last extents of all tensors that operations make."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else (made,):
            if isinstance(tensor, torch.Tensor) and tensor.ndim > 1 and func is not torch.ops.aten.t.default:
                self.seen.add(tensor.shape[-1])
        return made


class Kept:
    """What each layer gave, as long as somebody holds it."""

    def __init__(self, backbone):
        self.given = []
        for layer in layers(backbone):
            layer.register_forward_hook(self.note)

    def note(self, layer, inputs, output):
        hidden = output if isinstance(output, torch.Tensor) else output[0]
        self.given.append(weakref.ref(hidden))

    def alive(self):
        return sum(one() is not None for one in self.given)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@torch.no_grad()
def test_a_prompt_makes_no_logits_and_keeps_no_layer(case):
    backbone = load_backbone(BackboneConfig(path=f"tiny:{case.name}")).eval()
    num_words = backbone.model.get_output_embeddings().weight.shape[0]
    kept, sequence = Kept(backbone), backbone.compose(segments_of(backbone))
    with Widths() as widths:
        hidden, _ = backbone.think(sequence)
    assert backbone.hidden_size in widths.seen
    assert num_words not in widths.seen
    assert len(kept.given) >= 2
    assert kept.alive() == 0
    with Widths() as widths:
        backbone.speak(hidden[:, -1])
    assert num_words in widths.seen


@torch.no_grad()
def test_the_own_forward_is_heavier_by_both(tmp_path):
    """What the probes above would see if they were there; with many words, logits are most of the memory."""
    write_tiny("llava", tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    settings["text_config"] |= {"vocab_size": 20_000, "num_hidden_layers": 6}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    backbone = load_backbone(BackboneConfig(path=str(tmp_path), vl_pretrained=False)).eval()
    text = backbone.tokenize(["open the drawer"] * 2, length=60)

    def own():
        return backbone.model(input_ids=text.ids, use_cache=False, output_hidden_states=True)

    def ours():
        return backbone.think(backbone.compose([text]))

    logits = text.ids.numel() * 20_000 * 4
    assert peak_bytes(own) > logits
    assert peak_bytes(ours) < logits / 10
    kept = Kept(backbone)
    with Widths() as widths:
        output = own()
    assert output.logits.shape[-1] in widths.seen
    assert kept.alive() == 5  # of six; the last is kept behind its norm
