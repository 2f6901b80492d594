"""LoRA on any family, by peft: put on, taken off while the VLM is saved, and merged into its weights."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from torch import nn

from robovlms.backbones.config import LoRAConfig, Part
from robovlms.core.errors import UserError


def is_adapter(name: str) -> bool:
    """Whether this name of a parameter is an adapter's."""
    return ".lora_" in name


def is_vlm_weight(name: str) -> bool:
    """Whether a policy's parameter is the VLM's own, and not an adapter, the resampler, a slot, or the head."""
    return name.startswith("backbone.model.") and not is_adapter(name)


def adapt(model: Any, parts: dict[str, Part], config: LoRAConfig) -> None:
    """Put adapters on the linear layers the configuration names; they change nothing until they are trained.

    Raises:
        UserError: no linear layer has such a name.
    """
    import peft

    head = set((model.get_output_embeddings() or nn.Identity()).modules())
    linear = [
        name
        for name, module in model.named_modules()
        if type(module) is nn.Linear and module not in head and parts.get(f"{name}.weight") in config.parts
    ]
    endings = {name.rpartition(".")[2] for name in linear}
    if not linear or not endings.issuperset(config.modules):
        known, parts_named = ", ".join(sorted(endings)) or "none", ", ".join(config.parts)
        raise UserError(f"LoRA: modules are {list(config.modules)}; the linear layers of {parts_named} are: {known}.")
    chosen = [name for name in linear if not config.modules or name.rpartition(".")[2] in config.modules]
    settings = peft.LoraConfig(
        r=config.rank, lora_alpha=config.alpha, lora_dropout=config.dropout, target_modules=chosen
    )
    peft.inject_adapter_in_model(settings, model)


@contextmanager
def without_adapters(model: nn.Module) -> Generator[None]:
    """The model with its own layers back in their places, as if it had never been adapted."""
    adapted = _adapted(model)
    for name, layer in adapted.items():
        model.set_submodule(name, layer.base_layer)
    try:
        yield
    finally:
        for name, layer in adapted.items():
            model.set_submodule(name, layer)


def merge_adapters(model: Any) -> None:
    """Add each adapter to the weights under it, and drop it."""
    for name, layer in _adapted(model).items():
        layer.merge(safe_merge=True)
        model.set_submodule(name, layer.base_layer)
    if hasattr(model, "peft_config"):
        del model.peft_config


def _adapted(model: nn.Module) -> dict[str, Any]:
    return {name: module for name, module in model.named_modules() if hasattr(module, "lora_A")}
