"""VLMs whose language model is a T5 (arXiv 1910.10683): its decoder knows differences of positions only."""

from jaxtyping import Float, Int
from torch import Tensor
from typing_extensions import override

from robovlms.backbones.encoder_decoder import EncoderDecoderBackbone


class T5Backbone(EncoderDecoderBackbone):
    """Moves tokens by what each head's scores gain at the right distance over those at the distance of their places."""

    @override
    def placed(
        self, embeds: Float[Tensor, "b q d"], positions: Int[Tensor, "b s"], places: Int[Tensor, "b s"]
    ) -> tuple[Float[Tensor, "b q d"], Float[Tensor, "b h q s"] | None]:
        count = embeds.shape[1]
        return embeds, self._distances(positions, count) - self._distances(places, count)

    def _distances(self, positions: Int[Tensor, "b s"], count: int) -> Float[Tensor, "b h q s"]:
        """What the last ``count`` tokens add to their scores for the distance to each token."""
        attention = self.decoder.block[0].layer[0].SelfAttention  # all layers share its biases
        buckets = attention._relative_position_bucket(
            positions[:, None] - positions[:, -count:, None],
            bidirectional=False,
            num_buckets=attention.relative_attention_num_buckets,
            max_distance=attention.relative_attention_max_distance,
        )
        return attention.relative_attention_bias(buckets).permute(0, 3, 1, 2)
