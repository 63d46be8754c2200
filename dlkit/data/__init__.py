"""From raw data to fast `tf.data` pipelines that remember how the raw data was prepared."""

from dlkit.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Data": "record",
        "DataSetInfo": "catalogue",
        "from_arrays": "arrays",
        "list": "catalogue",
        "load": "catalogue",
    },
)
