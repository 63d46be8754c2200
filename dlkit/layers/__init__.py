"""The layers that Keras lacks, written with `keras` and `keras.ops`: every backend runs them."""

from dlkit.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "CapsuleLengths": "capsules",
        "Capsules": "capsules",
        "ClassToken": "tokens",
        "ColumnEmbedding": "column_embedding",
        "ConvolutionalTokenizer": "tokens",
        "LinearAttention": "linear_attention",
        "MaskedBidirectional": "masked_bidirectional",
        "PatchEmbedding": "tokens",
        "PiecewiseLinearEmbedding": "piecewise_linear",
        "PositionEmbedding": "tokens",
        "ReversibleInstanceNormalization": "reversible_norm",
        "SelfAttention": "attention",
        "SequencePooling": "sequence_pooling",
        "SinusoidalPositions": "positions",
        "SlidingWindowAttention": "attention",
        "Squash": "capsules",
        "StochasticDepth": "stochastic_depth",
        "TokenEmbedding": "token_embedding",
        "TransformerBlock": "transformer_block",
        "WeightNormalization": "weight_norm",
    },
)
