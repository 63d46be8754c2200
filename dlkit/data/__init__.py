"""From raw data to fast `tf.data` pipelines that remember how the raw data was prepared."""

from dlkit.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Column": "columns",
        "Data": "record",
        "DataSetInfo": "sets",
        "Finding": "findings",
        "decode_tokens": "text_encoding",
        "from_arrays": "arrays",
        "from_audio_folder": "audio",
        "from_audio_table": "audio",
        "from_csv": "tables",
        "from_dataframe": "tables",
        "from_graph": "graphs",
        "from_image_folder": "images",
        "from_image_table": "images",
        "from_networkx": "graphs",
        "from_ratings": "ratings",
        "from_series": "series",
        "from_text_pairs": "pairs",
        "from_voc": "detection",
        "from_text_file": "text_windows",
        "from_text_folder": "texts",
        "from_text_table": "texts",
        "list": "catalogue",
        "load": "catalogue",
        "rescale_outputs": "rescaling",
        "to_sentences": "translating",
        "translate": "translating",
    },
)
