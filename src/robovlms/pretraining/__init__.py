"""Vision-language data and pre-training of the packaged tiny VLM."""

from pathlib import Path

__all__ = ["tiny_vlm_path"]


def tiny_vlm_path() -> Path:
    """Folder of the packaged tiny VLM: an ordinary Hugging Face directory (weights, config, tokenizer, processor)."""
    return Path(__file__).parent / "tiny_vlm"
