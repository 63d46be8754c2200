"""inception against the paper's table, and its auxiliary heads."""

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models.image.inception import AuxiliaryHeads


def test_the_modules_have_the_channels_of_the_papers_table():
    model = dk.models.inception((224, 224, 3), 1000, normalization="none")
    joined = [layer.output.shape for layer in model.layers if layer.name.startswith("concat")]
    assert [shape[-1] for shape in joined] == [256, 480, 512, 512, 512, 528, 832, 832, 1024]
    assert [shape[1] for shape in joined] == [28, 28, 14, 14, 14, 14, 14, 7, 7]
    assert model.count_params() == 6_998_552  # as published, a bias for each filter among them


def test_with_batch_normalization_it_has_about_as_many():
    model = dk.models.inception((224, 224, 3), 1000)
    assert round(model.count_params() / 1e6, 1) == 7.0


def tiny(**options):
    settings = {"alpha": 0.125, "dropout": 0.0, "label_smoothing": 0.0, "seed": 0}
    return dk.models.inception((16, 16, 1), 3, **{**settings, **options})


def test_the_heads_in_the_middle_are_trained_with_a_part_of_the_loss():
    model = tiny(auxiliary=True, optimizer="sgd", jit_compile=False)
    x = np.random.default_rng(0).normal(size=(6, 16, 16, 1)).astype("float32")
    y = np.arange(6) % 3
    weight = np.linspace(0, 2, 6).astype("float32")
    predicted = model(x, training=True)
    (layer,) = [layer for layer in model.layers if isinstance(layer, AuxiliaryHeads)]
    assert len(layer.kept) == 2
    chosen = [-np.log(np.asarray(p)[np.arange(6), y]) for p in (predicted, *layer.kept)]
    expected = np.dot((1, 0.3, 0.3), [np.mean(weight * loss) for loss in chosen])
    found = model.compute_loss(x, y, predicted, weight)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    kernels = {w.path: w.numpy() for w in model.trainable_weights}
    model.train_on_batch(x, y)
    assert all(np.any(w.numpy() != kernels[w.path]) for w in model.trainable_weights)
    loss = model.evaluate(x, y, verbose=0)[0]
    np.testing.assert_allclose(
        loss, -np.log(model.predict(x, verbose=0)[np.arange(6), y]).mean(), rtol=1e-5
    )


def test_a_model_with_such_heads_is_saved_goes_on_and_has_one_output(tmp_path):
    model = tiny(auxiliary=True)
    x, y = np.ones((4, 16, 16, 1), "float32"), np.array([0, 1, 2, 0])
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert again.output_shape == (None, 3)
    np.testing.assert_array_equal(again(x), model(x))
    before = again.get_weights()
    again.train_on_batch(x, y)
    assert all(map(np.any, [a != b for a, b in zip(before, again.get_weights(), strict=True)]))


def test_numbers_have_no_such_heads():
    with pytest.raises(InputError, match="auxiliary=True, task='regression'"):
        tiny(auxiliary=True, task="regression")
