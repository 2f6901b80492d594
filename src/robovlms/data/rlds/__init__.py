"""RLDS as TensorFlow Datasets stores it, without TensorFlow."""
