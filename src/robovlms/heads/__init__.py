"""From slot features to action chunks and losses. A head knows nothing of images."""
