"""Every builder on Keras's JAX backend: a file of TensorFlow's predicts and learns the same."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from dlkit.models.catalogue import SHIPPED
from tests.models import checks
from tests.models.on_jax import pack, values

ROOT = pathlib.Path(__file__).parent.parent.parent
# Compiled for a step or two, not for speed; another backend's process starts cold by itself.
ON_JAX = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}


def drawn(name):
    """Return a builder's tiny model with random weights.

    JAX compiles each shape that an initializer draws, when it loads a file: zeros cost it nothing.
    """
    task = SHIPPED[name].tasks[0]
    # Smooth: rounding switches a ReLU now and then, and with it the gradient of an image.
    options = checks.takes(name, {"kernel_initializer": "zeros", "activation": "silu"})
    model = checks.make(name, task, optimizer="sgd", **checks.plain(name) | options)
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        if len(weight.shape) > 1:
            seen = weight.shape[:-1] if weight.shape[-1] > 1 else weight.shape[:2]  # depthwise: 9
            weight.assign(np.sqrt(2 / np.prod(seen)) * rng.normal(size=weight.shape))
    return model, *checks.batch(model, task, 6)


@pytest.mark.timeout(600)
def test_every_builder_does_on_jax_what_it_does_on_tensorflow(tmp_path):
    """In one process, and one test, since a backend's start costs more than a small network."""
    losses = {}
    for name in SHIPPED:
        model, x, y = drawn(name)
        model.save(tmp_path / f"{name}.keras")
        predicted = pack("predicted", checks.outputs_of(model, x))
        model.run_eagerly = True
        losses[name] = model.train_on_batch(x, y)[0]
        after = pack("after", dict(enumerate(values(model.trainable_weights))))
        np.savez(tmp_path / f"{name}.npz", x=x, **pack("y", y), **predicted, **after)
    done = subprocess.run(
        [sys.executable, "-m", "tests.models.on_jax", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | ON_JAX,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    *models, (plain, again), tensorflow = map(json.loads, done.stdout.splitlines())
    assert tensorflow is False
    assert {name for name, *_ in models} == set(SHIPPED)
    for name, off, loss, step, left_alone in models:
        assert off < 1e-5, name
        assert loss == pytest.approx(losses[name], rel=1e-4), name
        assert step < 1e-3, name
        assert left_alone == [], name
    assert len(plain) == 2 and again == pytest.approx(plain, rel=1e-5)
