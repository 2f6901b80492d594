"""Vision-language data and pre-training of the packaged tiny VLM."""
