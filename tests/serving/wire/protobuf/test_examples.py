import subprocess
import sys

import tensorflow as tf

from dlkit.serving.wire.protobuf.examples import Example, Feature

FEATURES = {
    "words": tf.train.Feature(bytes_list={"value": [b"a", b"\xff"]}),
    "sizes": tf.train.Feature(float_list={"value": [0.5, -1e30]}),
    "ids": tf.train.Feature(int64_list={"value": [-1, 2**63 - 1]}),
    "none": tf.train.Feature(),
}


def test_tensorflow_reads_what_was_written():
    example = Example()
    for name, feature in FEATURES.items():
        example.features.feature[name].CopyFrom(Feature.FromString(feature.SerializeToString()))
    read = tf.train.Example.FromString(example.SerializeToString())
    assert read == tf.train.Example(features={"feature": FEATURES})
    parsed = tf.io.parse_example(
        [example.SerializeToString()], {"ids": tf.io.FixedLenFeature([2], tf.int64)}
    )
    assert parsed["ids"].numpy().tolist() == [[-1, 2**63 - 1]]


def test_what_tensorflow_wrote_is_read():
    written = tf.train.Example(features={"feature": FEATURES}).SerializeToString()
    example = Example.FromString(written)
    kinds = {name: feature.WhichOneof("kind") for name, feature in example.features.feature.items()}
    assert kinds == {
        "words": "bytes_list",
        "sizes": "float_list",
        "ids": "int64_list",
        "none": None,
    }
    assert list(example.features.feature["words"].bytes_list.value) == [b"a", b"\xff"]


def test_json_examples_are_read_without_tensorflow():
    module = "dlkit.serving.wire.rest_json.classify_regress"
    code = f"import sys; import {module}; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
