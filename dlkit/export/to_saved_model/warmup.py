"""Requests that a model server answers to itself before it says that a version is available.

Reference: TensorFlow Serving's "SavedModel Warmup",
https://www.tensorflow.org/tfx/serving/saved_model_warmup
"""

import pathlib
from collections.abc import Iterable, Mapping

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

FILE = "tf_serving_warmup_requests"

Request = tuple[str, str, Mapping[str, np.ndarray]]


def write_warmup_requests(path: pathlib.Path, model_name: str, requests: Iterable[Request]) -> None:
    """Write a warm-up file.

    Args:
        path: The file to write.
        model_name: The name that the server will know the model by.
        requests: For each, the signature's key, its method name, and input name -> array.
    """
    with tf.io.TFRecordWriter(str(path)) as records:
        for key, method, inputs in requests:
            log = prediction_log_pb2.PredictionLog()
            kind = method.rpartition("/")[2]  # predict, classify or regress
            request = getattr(log, f"{kind}_log").request
            request.model_spec.name = model_name
            request.model_spec.signature_name = key
            if kind == "predict":
                for name, array in inputs.items():
                    request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
            else:
                examples = request.input.example_list.examples
                examples.extend(tf.train.Example.FromString(text) for text in inputs["inputs"])
            records.write(log.SerializeToString())
