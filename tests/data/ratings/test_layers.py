"""From raw users and items to numbers and one-hot rows."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.data.ratings import layers
from dlkit.errors import InputError

TRAIN = {
    "user": np.array(["ann", "ben", "ann", "ben", "cleo"], object),
    "item": np.array([5, 5, 9, 9, 9]),
}


def test_numbers_start_at_1_and_unknown_ones_are_0():
    coding = layers.build(TRAIN, "ids", 2)
    raw = {"user": tf.constant(["ben", "cleo", "?"]), "item": tf.constant([9, 5, 7], tf.int64)}
    numbers = coding.preprocessing(raw)
    assert numbers["user"].numpy().tolist() == [2, 0, 0]
    assert numbers["item"].numpy().tolist() == [2, 1, 0]
    assert coding.feature_names is None
    assert coding.vocabularies == {"user": ("other", "ann", "ben"), "item": ("other", "5", "9")}


def test_the_vector_has_a_column_for_others_only_where_training_had_some(tmp_path):
    coding = layers.build(TRAIN, "one_hot", 2)
    assert coding.feature_names == ("user=other", "user=ann", "user=ben", "item=5", "item=9")
    raw = {"user": tf.constant(["ben", "new"]), "item": tf.constant([9, 7], tf.int64)}
    expected = [[0, 0, 1, 0, 1], [1, 0, 0, 0, 0]]
    np.testing.assert_array_equal(coding.preprocessing(raw), expected)
    coding.preprocessing.save(tmp_path / "ratings.keras")
    np.testing.assert_array_equal(
        keras.models.load_model(tmp_path / "ratings.keras")(raw), expected
    )


def test_a_vocabulary_of_nobody_is_refused():
    with pytest.raises(InputError, match=r"leaves no user to learn: of 3 .* more than 2 ratings"):
        layers.build(TRAIN, "ids", 3)
