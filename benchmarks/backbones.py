"""A backbone's prompt forward against the same model's own Hugging Face forward, on the same frames and token ids.

    OMP_NUM_THREADS=1 python benchmarks/backbones.py [--families kosmos paligemma] [--rounds 15] [--out FILE.json]

Random models of the real classes: the miniatures of the tests, `--factor` times as wide, with images `--pixels` times
larger and 32,000 words. Both sides start from bytes and token ids, in fp32 on one thread, and take turns; a ratio is
the median over rounds of ours / own in CPU seconds, so that other work on the machine hardly moves it.

* `time`: the own forward without its output head, so that both do the same work.
* `time, logits`: the own forward as it is called by default, with the logits of every token.
* `memory`: the largest sum of live tensors while the forward runs, beyond the weights, ours / own with
  `output_hidden_states=True` as upstream calls it (it keeps all layers and all logits).
"""

import argparse
import json
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForImageTextToText

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "backbones"))
from families import WITH_OWN_FORWARD, Case
from memory import peak_bytes

from robovlms.backbones.encoder_decoder import EncoderDecoderBackbone
from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.backbones.own_forward import own_inputs, placeholder, token_ids
from robovlms.backbones.prompt import Action, Image
from robovlms.backbones.tiny import enliven, tiny_directory

SENTENCES = ["push the red block to the left", "open the upper drawer of the desk"]
WIDTHS = re.compile(
    r"hidden_size|intermediate_size|\w*ffn_dim|d_model|d_ff|d_kv|\w*head_dim|embed_dim|projection_dim|out_hidden_size|"
    r"word_embed_proj_dim|encoder_hidden_size|vision_output_dim|query_pre_attn_scalar|mrope_section|output_dim|width"
)
DEPTHS = re.compile(r"num_hidden_layers|layers|depth")
EDGES = re.compile(r"image_size|height|width|shortest_edge|longest_edge")
NUM_WORDS = 32_000


def scaled(settings: Any, names: re.Pattern[str], factor: int) -> Any:
    """Settings with the numbers under these names multiplied."""
    if not isinstance(settings, dict):
        return [scaled(one, names, factor) for one in settings] if isinstance(settings, list) else settings
    return {
        name: times(value, factor) if names.fullmatch(name) else scaled(value, names, factor)
        for name, value in settings.items()
    }


def times(value: Any, factor: int) -> Any:
    """A number, or each of several, multiplied; a group of settings as it is."""
    if isinstance(value, list):
        return [times(one, factor) for one in value]
    return value * factor if isinstance(value, int) else value


def with_words(settings: Any) -> Any:
    """A real vocabulary's size."""
    if not isinstance(settings, dict):
        return settings
    return {name: NUM_WORDS if name == "vocab_size" else with_words(value) for name, value in settings.items()}


def without(settings: Any, name: str) -> Any:
    """Settings without this one."""
    if not isinstance(settings, dict):
        return settings
    return {key: without(value, name) for key, value in settings.items() if key != name}


def enlarge(name: str, directory: Path, factor: int, pixels: int, depth: int = 1) -> None:
    """Write a miniature's larger sister: widths, image edges and layers times these."""
    shutil.copytree(tiny_directory(name), directory, dirs_exist_ok=True)
    settings = json.loads((directory / "config.json").read_text())
    settings = scaled(scaled(settings, WIDTHS, factor), re.compile("image_size"), pixels)
    if depth > 1:
        settings = scaled(without(settings, "layer_types"), DEPTHS, depth)
    settings = with_words(settings)
    (directory / "config.json").write_text(json.dumps(settings))
    file = directory / "preprocessor_config.json"
    seen = json.loads(file.read_text())
    by_area = "Qwen" in seen.get("image_processor_type", "")  # its edges are numbers of pixels
    file.write_text(json.dumps(scaled(seen, EDGES, pixels**2 if by_area else pixels)))
    torch.manual_seed(0)
    model = AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(directory))
    enliven(model)
    model.save_pretrained(directory)


class Pair:
    """The two forwards of one model."""

    def __init__(self, case: Case, directory: Path):
        torch.manual_seed(0)
        self.case = case
        self.backbone = load_backbone(BackboneConfig(path=str(directory))).eval()
        self.model: Any = self.backbone.model
        size = self.backbone.image_spec.size
        self.frames = torch.randint(0, 256, (len(SENTENCES), size, size, 3), dtype=torch.uint8)
        self.text = self.backbone.tokenize([sentence.ljust(40, ".") for sentence in SENTENCES])
        segments = self.segments()
        self.ids = token_ids(self.backbone, segments[:2])
        self.tokens = self.backbone.compose(segments).embeds.shape[1]

    def segments(self) -> list[Any]:
        """An image and a sentence; what the decoder is to answer, where it is apart."""
        everywhere = torch.ones(len(SENTENCES), dtype=torch.bool)
        segments: list[Any] = [Image(self.backbone.see(self.frames, self.text), everywhere), self.text]
        if isinstance(self.backbone, EncoderDecoderBackbone):
            segments.append(Action(torch.tensor([[7, 9]] * len(SENTENCES))))
        return segments

    @torch.inference_mode()
    def ours(self) -> Any:
        """The last hidden states of the prompt, as an architecture asks for them."""
        return self.backbone.think(self.backbone.compose(self.segments()))[0]

    @torch.inference_mode()
    def own(self, **how: Any) -> Any:
        """The model's own forward."""
        inputs = own_inputs(self.backbone, self.frames, self.text)
        inputs |= self.case.own(self.ids, placeholder(self.backbone))
        if isinstance(self.backbone, EncoderDecoderBackbone):
            start = self.model.config.get_text_config().decoder_start_token_id
            inputs["decoder_input_ids"] = torch.tensor([[start, 7, 9]] * len(SENTENCES))
        how = {"use_cache": False} | how
        return self.model(input_ids=self.ids, attention_mask=torch.ones_like(self.ids), **inputs, **how)

    def headless(self) -> Any:
        """The model's own forward with nothing in the place of its output head."""
        head = self.model.get_output_embeddings()
        name = next(name for name, module in self.model.named_modules() if module is head)
        self.model.set_submodule(name, torch.nn.Identity())
        try:
            return self.own()
        finally:
            self.model.set_submodule(name, head)


def cpu_seconds(run: Callable[[], Any]) -> float:
    """CPU time of one call."""
    start = time.process_time()
    run()
    return time.process_time() - start


def measure(pair: Pair, rounds: int) -> dict[str, Any]:
    """The row of a family."""
    runs = {"ours": pair.ours, "headless": pair.headless, "own": pair.own}
    for run in runs.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds):
        for name in list(runs)[:: 1 if turn % 2 else -1]:
            seconds[name].append(cpu_seconds(runs[name]))
    ratio = {
        name: statistics.median(a / b for a, b in zip(seconds["ours"], seconds[name], strict=True))
        for name in ("headless", "own")
    }
    return {
        "family": pair.case.name,
        "million_parameters": round(sum(p.numel() for p in pair.model.parameters()) / 1e6, 1),
        "tokens": pair.tokens,
        "milliseconds": round(1000 * statistics.median(seconds["ours"]), 1),
        "time": round(ratio["headless"], 3),
        "time_logits": round(ratio["own"], 3),
        "memory": round(peak_bytes(pair.ours) / peak_bytes(lambda: pair.own(output_hidden_states=True)), 3),
    }


def main() -> None:
    """Print one line for each family."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--families", nargs="*", default=[case.name for case in WITH_OWN_FORWARD])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--factor", type=int, default=16)
    parser.add_argument("--pixels", type=int, default=4)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    print(f"{'family':<18}{'M params':>9}{'tokens':>8}{'ms':>9}{'time':>8}{'time, logits':>14}{'memory':>9}")
    for case in WITH_OWN_FORWARD:
        if case.name not in asked.families:
            continue
        with tempfile.TemporaryDirectory() as folder:
            enlarge(case.name, Path(folder), asked.factor, asked.pixels)
            row = measure(Pair(case, Path(folder)), asked.rounds)
        rows.append(row)
        print("{:<18}{:>9}{:>8}{:>9}{:>8}{:>14}{:>9}".format(*row.values()), flush=True)
    if asked.out:
        asked.out.write_text(json.dumps({"settings": {**vars(asked), "out": None}, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
