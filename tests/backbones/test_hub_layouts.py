"""Checkpoints in the hub's own key layouts load strictly, with the keys that only old ones hold.

Names are written down from what the published converters and upstream's transformers 4.37 write, not from our models.
In a pattern ``N`` is a number, ``*`` a weight and a bias, and braces hold alternatives.
"""

import re
import shutil

import pytest
import torch
from newer_layouts import RENAMED, UNCHANGED
from safetensors.torch import load_file, save_file

from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.backbones.tiny import tiny_directory

KOSMOS = """
image_to_text_projection.{dense,x_attn.{k,v,q,out}_proj}.*
image_to_text_projection.latent_query
text_model.model.embed_tokens.weight
text_model.model.layer_norm.*
text_model.model.layers.N.ffn.{fc1,fc2,ffn_layernorm}.*
text_model.model.layers.N.{final_layer_norm,self_attn_layer_norm,self_attn.{inner_attn_ln,{k,q,v,out}_proj}}.*
vision_model.model.embeddings.class_embedding
vision_model.model.embeddings.{patch,position}_embedding.weight
vision_model.model.encoder.layers.N.{layer_norm1,layer_norm2,mlp.fc1,mlp.fc2,self_attn.{k,q,v,out}_proj}.*
vision_model.model.{pre_layrnorm,post_layernorm}.*
"""
INSTRUCTBLIP = """
query_tokens
language_projection.*
vision_model.embeddings.{class,position}_embedding
vision_model.embeddings.patch_embedding.*
vision_model.post_layernorm.*
vision_model.encoder.layers.N.{layer_norm1,layer_norm2,mlp.fc1,mlp.fc2,self_attn.{qkv,projection}}.*
qformer.embeddings.{word,position}_embeddings.weight
qformer.embeddings.layernorm.*
qformer.encoder.layer.N.{attention,crossattention}.{attention.{query,key,value},output.{dense,LayerNorm}}.*
qformer.encoder.layer.N.{intermediate,intermediate_query}.dense.*
qformer.encoder.layer.N.{output,output_query}.{dense,LayerNorm}.*
"""
VICUNA = """
language_model.{lm_head,model.embed_tokens,model.norm}.weight
language_model.model.layers.N.{input,post_attention}_layernorm.weight
language_model.model.layers.N.{mlp.{gate,up,down}_proj,self_attn.{q,k,v,o}_proj}.weight
"""
T5 = """
language_model.{shared,{encoder,decoder}.final_layer_norm}.weight
language_model.{encoder,decoder}.block.N.layer.N.{layer_norm,SelfAttention.{q,k,v,o}}.weight
language_model.{encoder,decoder}.block.N.layer.N.SelfAttention.relative_attention_bias.weight
language_model.{encoder,decoder}.block.N.layer.N.DenseReluDense.{wi_0,wi_1,wo}.weight
language_model.decoder.block.N.layer.N.EncDecAttention.{q,k,v,o}.weight
"""
FLORENCE = """
model.vision_tower.convs.N.{conv,norm}.*
model.vision_tower.blocks.N.N.{spatial,channel}_block.{conv1,conv2,norm1,norm2,ffn.fc1,ffn.fc2}.*
model.vision_tower.blocks.N.N.{spatial_block.window_attn,channel_block.channel_attn}.{qkv,proj}.*
model.multi_modal_projector.image_projection.weight
model.multi_modal_projector.image_proj_norm.*
model.multi_modal_projector.image_position_embed.{row,column}_embeddings.weight
model.multi_modal_projector.visual_temporal_embed.pos_idx_to_embed
model.language_model.{shared,{encoder,decoder}.embed_positions}.weight
model.language_model.{encoder,decoder}.layernorm_embedding.*
model.language_model.{encoder,decoder}.layers.N.{fc1,fc2,final_layer_norm}.*
model.language_model.{encoder,decoder}.layers.N.{self_attn_layer_norm,self_attn.{q,k,v,out}_proj}.*
model.language_model.decoder.layers.N.{encoder_attn_layer_norm,encoder_attn.{q,k,v,out}_proj}.*
"""


def old_kosmos(weights):
    return {"text_model.lm_head.weight": weights["text_model.model.embed_tokens.weight"].clone()}


def old_vicuna(weights):
    """Buffers, which were kept once."""
    frequencies = {f"language_model.model.layers.{i}.self_attn.rotary_emb.inv_freq": torch.ones(8) for i in range(2)}
    return {**frequencies, "qformer.embeddings.position_ids": torch.arange(512)[None]}


def old_t5(weights):
    """Copies of the word embedding, and Flan-T5's head, which is none."""
    words = weights["language_model.shared.weight"]
    copies = {f"language_model.{half}.embed_tokens.weight": words.clone() for half in ("encoder", "decoder")}
    return {**copies, "language_model.lm_head.weight": -words}


def old_florence(weights):
    copies = ("lm_head", *(f"model.language_model.{half}.embed_tokens" for half in ("encoder", "decoder")))
    return {f"{name}.weight": weights["model.language_model.shared.weight"].clone() for name in copies}


LAYOUTS = {
    "kosmos": (KOSMOS, old_kosmos),
    "instructblip": (INSTRUCTBLIP + VICUNA, old_vicuna),
    "instructblip-t5": (INSTRUCTBLIP + T5, old_t5),
    "florence": (FLORENCE, old_florence),
    **{name: (layout, lambda weights: {}) for name, layout in UNCHANGED.items()},
}
"""By miniature: the layout, and what only some checkpoints hold besides."""


def names(pattern):
    """Everything a pattern stands for."""
    found = re.search(r"\{([^{}]*)\}", pattern)
    if not found:
        return {pattern}
    return set().union(*(names(pattern[: found.start()] + one + pattern[found.end() :]) for one in found[1].split(",")))


def keys(layout):
    """Everything a layout stands for."""
    return set().union(*(names(line.replace("*", "{weight,bias}")) for line in layout.split()))


def numbered(weights):
    return {re.sub(r"(?<=\.)\d+(?=\.)", "N", key) for key in weights}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_checkpoint_in_the_layout_of_the_hub_loads_strictly(name, tmp_path):
    layout, old = LAYOUTS[name]
    weights = load_file(tiny_directory(name) / "model.safetensors")
    assert numbered(weights) == keys(layout)

    shutil.copytree(tiny_directory(name), tmp_path, dirs_exist_ok=True)
    weights |= old(weights)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    loaded = load_backbone(BackboneConfig(path=str(tmp_path))).state_dict()
    buffers = {key for key in weights if key.endswith(("inv_freq", "position_ids"))}
    assert all(torch.equal(loaded[f"model.{key}"], value) for key, value in weights.items() if key not in buffers)
    assert len(loaded) == len(weights) - len(buffers)


@pytest.mark.parametrize("name", RENAMED)
def test_a_checkpoint_with_the_prefixes_of_the_hub_loads_the_same_weights(name, tmp_path):
    weights = load_file(tiny_directory(name) / "model.safetensors")
    if "vision_tower.vision_model" in RENAMED[name]:
        weights = {re.sub(r"^vision_tower\.", "vision_tower.vision_model.", key): w for key, w in weights.items()}
    assert numbered(weights) == keys(RENAMED[name])

    shutil.copytree(tiny_directory(name), tmp_path, dirs_exist_ok=True)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    loaded = load_backbone(BackboneConfig(path=str(tmp_path))).state_dict()
    whole = load_backbone(BackboneConfig(path=f"tiny:{name}")).state_dict()
    assert loaded.keys() == whole.keys()
    assert all(torch.equal(loaded[key], value) for key, value in whole.items())
