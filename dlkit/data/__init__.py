"""From raw data to fast `tf.data` pipelines that remember how the raw data was prepared."""

from dlkit.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Column": "core.record",
        "Data": "data",
        "DataSetInfo": "catalogue.sets",
        "Finding": "core.wording",
        "decode_tokens": "text.encoding",
        "from_arrays": "arrays.from_arrays",
        "from_audio_folder": "audio.from_files",
        "from_audio_table": "audio.from_files",
        "from_csv": "features.from_tables",
        "from_dataframe": "features.from_tables",
        "from_graph": "graph.from_graph",
        "from_image_folder": "image.from_files",
        "from_image_table": "image.from_files",
        "from_networkx": "graph.from_graph",
        "from_ratings": "ratings.from_ratings",
        "from_series": "series.from_series",
        "from_text_pairs": "pairs.from_text_pairs",
        "from_voc": "boxes.from_voc",
        "from_text_file": "text.language_model",
        "from_text_folder": "text.from_texts",
        "from_text_table": "text.from_texts",
        "generate": "text.writing",
        "list": "catalogue.loading",
        "load": "catalogue.loading",
        "rescale_outputs": "changes.rescaling",
        "to_sentences": "pairs.translating",
        "translate": "pairs.translating",
    },
)
