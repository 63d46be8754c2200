"""A trained network on real digits, and its export, made once for the room's tests."""

import dataclasses
import pathlib

import keras
import pytest

import dlkit as dk
from dlkit.export import saved_model


@dataclasses.dataclass(frozen=True)
class Digits:
    """A model, the data it was trained on, and where it was exported."""

    data: object
    model: keras.Model
    version: pathlib.Path


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> Digits:
    keras.utils.set_random_seed(0)
    data = dk.data.load("digits", seed=0)
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
