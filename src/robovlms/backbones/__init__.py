"""Vision-language models behind four verbs: see, read, think, speak."""
