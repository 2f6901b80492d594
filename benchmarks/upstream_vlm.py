"""Smaller sisters of KosMos-2 and PaliGemma as the versions of transformers that the published code needs write them.

Half as wide as the originals and about a quarter as deep. There are as many words as give their output head the share
of the arithmetic that it has in the original: about 5% of a KosMos step, a fifth of PaliGemma's language model.
Runs in the published code's interpreter; each function writes a Hugging Face directory and returns the image size.
"""

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

SENTENCES = ["An image of a robot push the red block to the left and open the upper drawer of the desk"] * 3
TAGS = ["<image>", "</image>", "<grounding>"]


def kosmos(directory):
    """KosMos-2: 24 layers of 2048 and 24 of 1024, 65,037 words and images of 224 pixels in the original."""
    from transformers import Kosmos2Config, Kosmos2ForConditionalGeneration

    text = {"embed_dim": 1024, "ffn_dim": 4096, "layers": 6, "attention_heads": 16, "vocab_size": 8192}
    vision = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 6, "num_attention_heads": 8}
    settings = Kosmos2Config(text_config=text, vision_config=vision, latent_query_num=64)
    Kosmos2ForConditionalGeneration(settings).save_pretrained(directory)
    words = Tokenizer(models.BPE())
    words.pre_tokenizer, words.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", *TAGS]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=special, initial_alphabet=alphabet)
    words.train_from_iterator(SENTENCES, trainer)
    words.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    roles = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=words, **roles).save_pretrained(directory)
    return 224


def paligemma(directory):
    """PaliGemma: 18 layers of 2048 and 27 of 1152, 257,216 words, 256 tokens an image in the original; here 64."""
    from transformers import (
        GemmaTokenizerFast,
        PaliGemmaConfig,
        PaliGemmaForConditionalGeneration,
        PaliGemmaProcessor,
        SiglipImageProcessor,
    )

    words = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    words.normalizer = normalizers.Replace(" ", "▁")
    words.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<image>"]
    words.train_from_iterator([*SENTENCES, "\n"], trainers.BpeTrainer(vocab_size=600, special_tokens=special))
    words.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    pixels = SiglipImageProcessor(size={"height": 112, "width": 112}, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    pixels.image_seq_length = 64
    PaliGemmaProcessor(pixels, GemmaTokenizerFast(tokenizer_object=words)).save_pretrained(directory)
    text = {"model_type": "gemma", "hidden_size": 1024, "intermediate_size": 8192, "num_hidden_layers": 5}
    text |= {"num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 256, "vocab_size": 36096}
    vision = {"model_type": "siglip_vision_model", "hidden_size": 576, "intermediate_size": 2152}
    vision |= {"num_hidden_layers": 7, "num_attention_heads": 8, "image_size": 112, "patch_size": 14}
    vision |= {"projection_dim": 1024}
    width = {"hidden_size": 1024, "projection_dim": 1024}
    settings = PaliGemmaConfig(vision, text, image_token_index=5, pad_token_id=0, **width)
    PaliGemmaForConditionalGeneration(settings).save_pretrained(directory)
    return 112


VLMS = {"kosmos": kosmos, "paligemma": paligemma}
