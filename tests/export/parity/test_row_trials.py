"""Rows that depend on what stands beside them are found; rows that do not are joined."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from dlkit.errors import ExportError, InputError
from dlkit.export import saved_model
from dlkit.export.parity import row_trials
from dlkit.export.signatures.signature import Signature
from tests.export.told import rowwise

ROWS = np.random.default_rng(0).random((20, 5), np.float32)
TEXTS = np.array(["a nice film", "bad", "nice " * 7, "a film"], object)


class Rows(keras.layers.Layer):
    """A function of a whole batch."""

    def __init__(self, function, **options):
        super().__init__(**options)
        self.function = function

    def call(self, x):
        return self.function(x)


MIXING = {
    "centred": lambda x: x - ops.mean(x, axis=0),
    "below the largest": lambda x: x - ops.max(x, axis=0),
    "above the least": lambda x: x - ops.min(x, axis=0),
    "median": lambda x: x - ops.median(x, axis=0),
    "mean of ranks": lambda x: ops.mean(ops.cast(x[:, None] > x[None], "float32"), axis=(1, 2)),
    "whitened": lambda x: x / (1e-3 + ops.std(x, axis=0)),
    "running sum": lambda x: ops.cumsum(x, axis=0),
    "first row": lambda x: x - x[:1],
    "many rows": lambda x: x / ops.cast(ops.shape(x)[0], "float32"),
    "more than sixty rows": lambda x: x + ops.cast(ops.shape(x)[0] > 60, "float32"),
    "only huge rows": lambda x: ops.where(ops.max(x) > 1e20, 0.0, x),
    "only negative rows": lambda x: ops.where(ops.min(x) < -100, 0.0, x),
    "only equal rows": lambda x: ops.where(ops.max(x) == ops.min(x[-1]), 0.0, x),
    "no rows": lambda x: ops.mean(x, axis=0),
    "a number": lambda x: ops.mean(x),
    "a row more": lambda x: ops.concatenate([x, x[:1]]),
}
APART = {
    "softmax": lambda x: ops.softmax(x),
    "centred in itself": lambda x: x - ops.mean(x, axis=1, keepdims=True),
    "sorted": lambda x: ops.sort(x, axis=-1),
    "logarithm of what may be negative": lambda x: ops.log(x - 0.5),
}


def tried(function, rows=ROWS, data=True):
    """Return whether a function of a batch passes its trial."""
    dtype = "string" if rows.dtype == object else rows.dtype
    signature = Signature(
        {"x": tf.TensorSpec([None, *rows.shape[1:]], dtype)},
        compute=None,
        reference=lambda arrays: {"y": np.asarray(function(arrays["x"]))},
    )
    found = types.SimpleNamespace(examples=({"x": rows}, None)) if data else None
    trials = row_trials.plan_trials({"serving_default": signature}, found, None if data else True)
    trial = trials["serving_default"]
    return trial.passes([answer(signature, batch) for batch in trial.batches], 1e-4)


def answer(signature, batch):
    try:
        return signature.reference(batch)
    except ValueError:
        return None


@pytest.mark.parametrize("data", [True, False])
@pytest.mark.parametrize("name", MIXING)
def test_rows_that_mix_are_found(name, data):
    assert not tried(MIXING[name], data=data)


@pytest.mark.parametrize("name", APART)
def test_rows_that_do_not_mix_pass(name):
    assert tried(APART[name])


def test_texts_padded_to_the_longest_are_found():
    words = keras.layers.TextVectorization(vocabulary=["nice", "film", "bad", "a"])
    assert not tried(lambda x: ops.mean(ops.cast(words(x), "float32"), axis=1), TEXTS)
    assert not tried(words, TEXTS)  # by the shape of the answer alone
    fixed = keras.layers.TextVectorization(
        vocabulary=["nice", "film", "bad", "a"], output_sequence_length=5
    )
    assert tried(fixed, TEXTS)


def test_ids_trimmed_to_the_longest_are_found():
    def trimmed(ids):
        ids = np.asarray(ids)
        length = max(1, np.count_nonzero((ids != 0).any(axis=0)))
        return ids[:, :length].mean(axis=1)

    ids = np.random.default_rng(0).integers(1, 9, (6, 10))
    assert not tried(trimmed, ids)
    assert tried(lambda ids: ids.sum(axis=1), ids)


def test_odd_companions_may_be_refused_and_examples_may_not():
    def looked_up(ids, size):
        if (ids < 0).any() or (ids >= size).any():
            raise ValueError("no index")
        return np.eye(size)[ids]

    ids = np.arange(9).reshape(9, 1)
    assert tried(lambda ids: looked_up(ids, 9), ids)
    assert not tried(lambda ids: looked_up(ids, 8), ids)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "uint64", "float64", "bool"])
def test_every_type_has_companions(dtype):
    rows = np.random.default_rng(0).integers(0, 2, (4, 3)).astype(dtype)
    rows[0, 0] = np.finfo(dtype).max if dtype == "float64" else rows[0, 0]
    kinds = list(row_trials._companions({"x": rows}))
    assert all(kind["x"].dtype == dtype for kind in kinds)
    assert all(np.isfinite(kind["x"]).all() for kind in kinds)
    assert len({kind["x"].tobytes() for kind in kinds}) >= 4
    assert not tried(lambda x: np.broadcast_to(np.max(x), x.shape), rows)
    assert tried(lambda x: x, rows)


def exported(model, path, data=None, **options):
    return rowwise(saved_model(model, path, data, **options))


def test_what_was_served_wrongly_is_not_joined(tmp_path):
    """16 clients who asked for [[1.0]] got -99 from the first, and the second took "nice" apart."""
    largest = keras.Sequential([keras.Input((1,), name="x"), Rows(MIXING["below the largest"])])
    data = types.SimpleNamespace(examples=(ROWS[:, :1], None))
    assert exported(largest, tmp_path / "largest", data) == {"tensorflow": []}
    words = keras.layers.TextVectorization(vocabulary=["nice", "film", "bad", "a"])
    text = keras.Input((), dtype="string", name="text")
    mood = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(6, 3)(words(text)))
    data = types.SimpleNamespace(examples=(TEXTS, None))
    assert exported(keras.Model(text, mood), tmp_path / "mood", data) == {"tensorflow": []}


def test_without_examples_nothing_is_joined_unless_asked(tiny, tmp_path):
    assert exported(tiny, tmp_path / "tiny") == {"tensorflow": []}
    asked = exported(tiny, tmp_path / "tiny", join_requests=True, runtimes=["litert"])
    assert asked == {"tensorflow": ["serving_default"], "litert": ["serving_default"]}
    data = types.SimpleNamespace(examples=(ROWS[:, :4], None))
    assert exported(tiny, tmp_path / "tiny", data) == {"tensorflow": ["serving_default"]}
    assert exported(tiny, tmp_path / "tiny", data, join_requests=False) == {"tensorflow": []}


def test_what_is_asked_for_is_tried(tmp_path):
    model = keras.Sequential([keras.Input((5,), name="x"), Rows(MIXING["centred"])])
    with pytest.raises(ExportError, match=r"join_requests=True, and .* 'serving_default' answers"):
        saved_model(model, tmp_path / "centred", join_requests=True)
    assert not any(tmp_path.iterdir())


def test_another_kind_of_answer_is_refused(tiny, tmp_path):
    with pytest.raises(InputError, match=r"join_requests must be .* Received: join_requests='yes'"):
        saved_model(tiny, tmp_path / "tiny", join_requests="yes")
