"""The layers that Keras lacks, written with `keras` and `keras.ops`: every backend runs them."""

from dlkit.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "ClassToken": "tokens",
        "ConvolutionalTokenizer": "tokens",
        "PatchEmbedding": "tokens",
        "PositionEmbedding": "tokens",
        "StochasticDepth": "stochastic_depth",
        "WeightNormalization": "weight_norm",
    },
)
