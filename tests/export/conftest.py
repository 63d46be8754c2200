"""A trained network on real digits, and its export, made once for the room's tests."""

import dataclasses
import pathlib

import keras
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.export import saved_model


class Decode(keras.layers.Layer):
    """Encoded images -> grey pixels of one size."""

    def __init__(self, size, **options):
        super().__init__(**options)
        self.size = tuple(size)

    def call(self, files):
        return tf.map_fn(self.decode, files, fn_output_signature=tf.uint8)

    def decode(self, file):
        pixels = tf.image.resize(tf.io.decode_image(file, 1, expand_animations=False), self.size)
        return tf.ensure_shape(tf.cast(tf.round(pixels[:, :, 0]), tf.uint8), self.size)

    def compute_output_shape(self, shape):
        return (*shape, *self.size)


@dataclasses.dataclass(frozen=True)
class Digits:
    """A model, the data it was trained on, and where it was exported."""

    data: object
    model: keras.Model
    version: pathlib.Path


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> Digits:
    keras.utils.set_random_seed(0)
    files = keras.Input((), dtype="string", name="image_bytes")
    decoding = keras.Model(files, Decode((8, 8), dtype="uint8")(files))
    data = dataclasses.replace(dk.data.load("digits", seed=0), decoding=decoding)
    inputs = keras.Input((8, 8, 1), name="pixels")
    x = keras.layers.Conv2D(8, 3, activation="relu")(inputs)
    x = keras.layers.BatchNormalization(momentum=0.7)(x)
    x = keras.layers.Dropout(0.5)(keras.layers.Flatten()(x))
    outputs = keras.layers.Dense(10, activation="softmax", name="predictions")(x)
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(data.train, epochs=1, verbose=0)
    base = tmp_path_factory.mktemp("exports") / "digits"
    return Digits(data, model, saved_model(model, base, data))


@pytest.fixture
def tiny() -> keras.Model:
    """Return the smallest model there is, for tests of what surrounds it."""
    return keras.Sequential(
        [keras.Input((4,), name="row"), keras.layers.Dense(3, name="predictions")], name="tiny"
    )
