"""Read a SavedModel's signature from its file, with TensorFlow's protos alone."""

import pathlib

from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2


def signature_of(
    version: pathlib.Path, key: str = "serving_default"
) -> meta_graph_pb2.SignatureDef:
    """Return a signature of the SavedModel at `version`."""
    content = (version / "saved_model.pb").read_bytes()
    graph = saved_model_pb2.SavedModel.FromString(content).meta_graphs[0]
    return graph.signature_def[key]
