"""Examples as TFRecords: what was written comes back, also to a reader that knows nothing of us."""

import numpy as np
import pytest
import tensorflow as tf

from dlkit.data.core.example_codec import Layout
from dlkit.errors import InputError


def written(layout, batches, path):
    """Write batches to a file; return its records as a pipeline."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for batch in batches:
            for example in layout.encode(batch):
                writer.write(example)
    return tf.data.TFRecordDataset(str(path))


def nest(count):
    """Return a batch of all sorts: named inputs, strings, a matrix, a label and a weight."""
    random = np.random.default_rng(count)
    inputs = {
        "wave": random.normal(size=(count, 4, 2)).astype(np.float32),
        "half": random.normal(size=(count, 3)).astype(np.float16),
        "name": np.array([f"é{i}\0".encode() for i in range(count)], object),
        "seen": random.integers(0, 2, (count, 1)).astype(bool),
    }
    return inputs, (random.integers(0, 9, count), np.arange(count) % 2 == 0), random.random(count)


def spec(batch):
    return tf.nest.map_structure(
        lambda a: tf.TensorSpec([None, *a.shape[1:]], tf.as_dtype(a.dtype)), batch
    )


def equal(left, right):
    tf.nest.map_structure(np.testing.assert_array_equal, left, right)


def test_a_nest_of_every_type_comes_back_in_other_batches(tmp_path):
    batch = nest(7)
    layout = Layout(spec(batch))
    assert list(layout.named()) == [
        *("inputs/half", "inputs/name", "inputs/seen", "inputs/wave"),
        *("targets/0", "targets/1", "weights"),
    ]
    records = written(layout, [batch], tmp_path / "some.tfrecord")
    dataset = layout.batches(records, 3)
    assert dataset.element_spec == spec(batch)
    parts = list(dataset.as_numpy_iterator())
    assert [len(part[2]) for part in parts] == [3, 3, 1]
    equal(tf.nest.map_structure(lambda *p: np.concatenate(p), *parts), batch)


def test_another_reader_finds_the_numbers_by_their_names(tmp_path):
    inputs = np.arange(6, dtype=np.float32).reshape(2, 3)
    layout = Layout(spec((inputs, np.array([4, 5]))))
    records = written(layout, [(inputs, np.array([4, 5]))], tmp_path / "two.tfrecord")
    example = tf.train.Example.FromString(list(records.as_numpy_iterator())[1])
    (content,) = example.features.feature["inputs"].bytes_list.value
    assert np.frombuffer(content, np.float32).tolist() == [3.0, 4.0, 5.0]


def test_lengths_of_their_own_are_kept_and_filled_up_again(tmp_path):
    """Rows of two batches, of which the second was filled up to 5 places."""
    first = (np.array([[3, 0, 4], [5, 0, 0]]), np.array([[b"a"], [b""]], object))
    second = (np.array([[0, 0, 0, 0, 0], [1, 2, 3, 4, 0]]), np.array([[b"b", b"c"]] * 2, object))
    layout = Layout((tf.TensorSpec([None, None], tf.int64), tf.TensorSpec([None, None], tf.string)))
    records = written(layout, [first, second], tmp_path / "long.tfrecord")
    (batch,) = layout.batches(records, 4).as_numpy_iterator()
    assert batch[0].tolist() == [[3, 0, 4, 0], [5, 0, 0, 0], [0, 0, 0, 0], [1, 2, 3, 4]]
    assert batch[1].tolist() == [[b"a", b""], [b"", b""], [b"b", b"c"], [b"b", b"c"]]
    assert [part[0].shape for part in layout.batches(records, 2)] == [(2, 3), (2, 4)]


def test_what_has_no_shape_is_refused_by_name():
    ragged = tf.RaggedTensorSpec([None, None], tf.int64)
    with pytest.raises(InputError, match="Received: 'inputs/words', a RaggedTensorSpec"):
        Layout(({"words": ragged}, tf.TensorSpec([None], tf.int64)))
