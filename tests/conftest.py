"""Fixtures every package's tests share: tiny random models of the real classes, saved as real directories."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def heads_kit() -> tuple[dict, dict]:
    """Inputs and outputs of upstream RoboVLMs' own heads and action maths, by name; skips where they are absent."""
    from safetensors.torch import load_file

    shared = Path(os.environ.get("ROBOVLMS_SHARED", Path(__file__).parents[2] / "shared"))
    kit = shared / "data" / "upstream_kits" / "heads"
    if not kit.is_dir():
        pytest.skip(f"upstream's outputs are not at {kit}; set ROBOVLMS_SHARED")
    return load_file(kit / "inputs.safetensors"), load_file(kit / "outputs.safetensors")


@pytest.fixture(scope="session")
def tiny_paligemma(tmp_path_factory) -> Path:
    """A random PaliGemma with a SigLIP tower, 32 px, in an ordinary Hugging Face directory."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PaliGemmaConfig, PaliGemmaForConditionalGeneration, PreTrainedTokenizerFast
    from transformers.models.siglip import SiglipImageProcessorPil

    torch.set_num_threads(1)
    directory = tmp_path_factory.mktemp("tiny_paligemma")
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
    special = ["<pad>", "<bos>", "<eos>", "<image>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(["open the drawer"], trainers.BpeTrainer(special_tokens=special, initial_alphabet=alphabet))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>")
    vision = {"model_type": "siglip_vision_model", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1}
    vision |= {"num_attention_heads": 2, "image_size": 32, "patch_size": 16, "projection_dim": 24}
    text = {"model_type": "gemma", "vocab_size": len(tokenizer), "hidden_size": 24, "intermediate_size": 32}
    text |= {"num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 12}
    text |= {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    config = PaliGemmaConfig(
        vision_config=vision, text_config=text, image_token_index=3, projection_dim=24, hidden_size=24
    )
    torch.manual_seed(0)
    PaliGemmaForConditionalGeneration(config).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    half = [0.5, 0.5, 0.5]
    SiglipImageProcessorPil(size={"height": 32, "width": 32}, image_mean=half, image_std=half).save_pretrained(
        directory
    )
    return directory
