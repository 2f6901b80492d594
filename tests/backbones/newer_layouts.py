"""Key layouts of the families after 2023 as their hub checkpoints hold them; patterns as in ``test_hub_layouts.py``."""

SIGLIP = """
embeddings.{patch_embedding.{weight,bias},position_embedding.weight}
encoder.layers.N.{layer_norm1,layer_norm2,mlp.fc1,mlp.fc2,self_attn.{q,k,v,out}_proj}.*
post_layernorm.*
"""
LLAMA = """
{embed_tokens,norm}.weight
layers.N.{{input,post_attention}_layernorm,mlp.{gate,up,down}_proj,self_attn.{q,k,v,o}_proj}.weight
"""
BIASES = "layers.N.self_attn.{q,k,v}_proj.bias"
QK_NORMS = "layers.N.self_attn.{q,k}_norm.weight"


def under(prefix: str, *patterns: str) -> str:
    """The patterns with a prefix."""
    return "".join(f"{prefix}{line}\n" for pattern in patterns for line in pattern.split())


SMOLVLM = (
    under("model.vision_model.", SIGLIP)
    + under("model.text_model.", LLAMA)
    + "model.connector.modality_projection.proj.weight lm_head.weight"
)
QWEN3_VL = (
    under("model.language_model.", LLAMA, QK_NORMS)
    + under("model.visual.", "pos_embed.weight patch_embed.proj.*")
    + under("model.visual.blocks.N.", "{attn.qkv,attn.proj,mlp.linear_fc1,mlp.linear_fc2,norm1,norm2}.*")
    + under("model.visual.{merger,deepstack_merger_list.N}.", "{norm,linear_fc1,linear_fc2}.*")
    + "lm_head.weight"
)
UNCHANGED = {"smolvlm": SMOLVLM, "smolvlm-idefics3": SMOLVLM, "qwen_vl-3": QWEN3_VL}
"""Layouts whose names are those of the classes."""

LLAVA_ONEVISION = (
    under("vision_tower.vision_model.", SIGLIP)
    + under("language_model.model.", LLAMA, BIASES)
    + under("multi_modal_projector.", "linear_1.* linear_2.*")
    + "image_newline language_model.lm_head.weight"
)
GEMMA3 = (
    under("vision_tower.vision_model.", SIGLIP)
    + under("language_model.model.", LLAMA, QK_NORMS, "layers.N.{pre,post}_feedforward_layernorm.weight")
    + under("multi_modal_projector.", "mm_input_projection_weight mm_soft_emb_norm.weight")
)
INTERNVL = (
    under("vision_tower.embeddings.", "cls_token position_embeddings patch_embeddings.projection.*")
    + under("vision_tower.encoder.layer.N.", "lambda_1 lambda_2 {layernorm_before,layernorm_after,mlp.fc1,mlp.fc2}.*")
    + under("vision_tower.encoder.layer.N.attention.", "projection_layer.* {q,k,v}_proj.weight")
    + under("language_model.model.", LLAMA, BIASES)
    + under("multi_modal_projector.", "{layer_norm,linear_1,linear_2}.*")
)
RENAMED = {"llava_onevision": LLAVA_ONEVISION, "gemma3": GEMMA3, "internvl": INTERNVL}
"""Layouts with prefixes that the classes have no more."""
