import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.errors import InputError
from dlkit.training import set_seed
from dlkit.training.seeding import last_seed


def draw():
    return (
        random.random(),
        np.random.rand(),
        float(keras.random.uniform(())),
        float(tf.random.uniform(())),
        keras.layers.Dense(3).compute_output_shape((1, 2)),
        initial_weights(),
    )


def initial_weights():
    layer = keras.layers.Dense(3)
    layer.build((None, 2))
    return layer.get_weights()[0].tolist()


def test_one_seed_reaches_every_generator():
    set_seed(11)
    first = draw()
    set_seed(11)
    assert draw() == first
    set_seed(12)
    assert all(a != b for a, b in zip(draw(), first, strict=True) if not isinstance(a, tuple))
    assert last_seed() == 12


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "1", True, None])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(InputError, match=f"from 0 to 4294967295. Received: seed={seed!r}"):
        set_seed(seed)


@pytest.mark.parametrize("seed", [0, 2**32 - 1, np.int64(5)])
def test_the_whole_range_is_taken(seed):
    set_seed(seed)
    assert last_seed() == seed


def test_deterministic_asks_tensorflow_for_it():
    from tensorflow.python.framework import config

    try:
        set_seed(1, deterministic=True)
        assert config.is_op_determinism_enabled()
    finally:
        config.disable_op_determinism()


def test_deterministic_says_where_it_does_not_work(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InputError, match="Received: backend='jax'"):
        set_seed(1, deterministic=True)
