"""The layers that Keras lacks, written with `keras` and `keras.ops`: every backend runs them."""

from dlkit.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "CapsuleLengths": "capsules",
        "Capsules": "capsules",
        "ClassToken": "tokens",
        "ConvolutionalTokenizer": "tokens",
        "PatchEmbedding": "tokens",
        "PositionEmbedding": "tokens",
        "Squash": "capsules",
        "StochasticDepth": "stochastic_depth",
        "WeightNormalization": "weight_norm",
    },
)
