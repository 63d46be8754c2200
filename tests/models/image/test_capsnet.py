"""capsnet against the paper's numbers, and its loss against NumPy."""

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models.image.capsnet import stretch

RNG = np.random.default_rng(0)
TINY = {"filters": 6, "kernel_size": 3, "primary_capsules": 2, "primary_dim": 4, "units": (8,)}
X = RNG.normal(size=(12, 9, 9, 1)).astype("float32")
Y = np.arange(12) % 3


def tiny(**options):
    settings = {"seed": 1, "jit_compile": False, "steps_per_execution": 1, **TINY, **options}
    return dk.models.capsnet((9, 9, 1), 3, **settings)


def test_it_has_the_papers_layers_and_number_of_weights():
    model = dk.models.capsnet((28, 28, 1), 10)
    assert [tuple(w.shape) for w in model.encoder.weights] == [
        *((9, 9, 1, 256), (256,)),
        *((9, 9, 256, 256), (256,)),
        (6 * 6 * 32, 8, 10 * 16),
    ]
    shapes = [tuple(w.shape) for w in model.decoder.weights if len(w.shape) == 2]
    assert shapes == [(160, 512), (512, 1024), (1024, 784)]
    assert model.count_params() == 8_215_568
    assert model.encoder.get_layer(index=-1).routing_iterations == 3


def expected_loss(model, weights=None, classes=Y):
    """Equation 4, and 0.0005 of the squared errors, by NumPy from the capsules on."""
    capsules = model.encoder.predict(X, verbose=0).astype("float64")
    lengths = np.sqrt((capsules**2).sum(-1))
    truth = np.eye(3)[classes]
    margin = truth * np.maximum(0, 0.9 - lengths) ** 2
    margin += 0.5 * (1 - truth) * np.maximum(0, lengths - 0.1) ** 2
    made = model.decoder.predict(capsules * truth[..., None], verbose=0)
    low, high = (f(X, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
    errors = ((made - (X - low) / (high - low)) ** 2).sum((1, 2, 3))
    losses = margin.sum(-1) + 0.0005 * errors
    return np.mean(losses * (1 if weights is None else weights)), 0.0005 * errors.mean()


def test_the_loss_is_the_papers():
    model = tiny()
    expected, reconstruction = expected_loss(model)
    assert reconstruction > 0.001
    assert model.evaluate(X, Y, verbose=0)[0] == pytest.approx(expected, rel=1e-4)
    assert model.evaluate(X, Y, batch_size=5, verbose=0)[0] == pytest.approx(expected, rel=1e-4)
    assert model.train_on_batch(X, Y)[0] == pytest.approx(expected, rel=1e-4)


def test_both_parts_of_the_loss_are_weighted_by_example():
    model = tiny()
    weights = RNG.uniform(0, 2, 12)
    expected, _ = expected_loss(model, weights)
    assert model.evaluate(X, Y, sample_weight=weights, verbose=0)[0] == pytest.approx(
        expected, rel=1e-4
    )
    by_class = {0: 0.0, 1: 1.0, 2: 3.0}
    expected, _ = expected_loss(model, np.array([by_class[label] for label in Y]))
    history = model.fit(X, Y, batch_size=12, class_weight=by_class, verbose=0)
    assert history.history["loss"][0] == pytest.approx(expected, rel=1e-4)


def test_mixed_labels_reconstruct_of_mixed_capsules():
    model = tiny()
    rows = np.eye(3, dtype="float32")[Y]
    assert model.evaluate(X, rows, verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0))


def test_the_capsules_of_another_batch_are_not_taken_for_this_ones():
    model = tiny()
    expected, _ = expected_loss(model)
    lengths = model(X)
    model(X[::-1])
    assert float(model.compute_loss(X, Y, lengths)) == pytest.approx(expected, rel=1e-4)


def test_a_step_computes_the_capsules_once():
    model = tiny()
    calls = []
    encode = model.encoder.call
    model.encoder.call = lambda *args, **kwargs: calls.append(1) or encode(*args, **kwargs)
    model.fit(X, Y, epochs=2, verbose=0)
    assert len(calls) == 1  # traced once


def test_another_loss_takes_the_place_of_the_margin_loss():
    model = tiny(loss="categorical_hinge", reconstruction_weight=0.0)
    lengths = model.predict(X, verbose=0)
    truth = np.eye(3)[Y]
    right, wrong = (lengths * truth).sum(-1), (lengths * (1 - truth)).max(-1)
    assert model.evaluate(X, Y, verbose=0)[0] == pytest.approx(
        np.maximum(0, wrong - right + 1).mean(), rel=1e-5
    )
    assert tiny(loss=None).loss.name == "margin_loss"


def test_without_a_reconstruction_there_is_no_decoder():
    model = tiny(reconstruction_weight=0.0)
    assert model.count_params() == model.encoder.count_params()
    expected, reconstruction = expected_loss(tiny())
    got = model.evaluate(X, Y, verbose=0)[0]
    assert got == pytest.approx(expected - reconstruction, rel=1e-4)
    with pytest.raises(InputError, match=r"no decoder: .* Received: reconstruction_weight=0\.0"):
        model.reconstruct(X)


def test_the_longest_capsule_is_reconstructed_unless_classes_are_named():
    model = tiny()
    longest = model.predict(X, verbose=0).argmax(-1)
    made = model.reconstruct(X)
    assert made.shape == X.shape
    np.testing.assert_allclose(made, model.reconstruct(X, longest), atol=1e-6)
    assert np.abs(made - model.reconstruct(X, (longest + 1) % 3)).max() > 1e-4


def test_images_are_stretched_whatever_they_were_standardised_to():
    images = RNG.uniform(0, 1, (3, 4, 4, 2)).astype("float32")
    images[:, 0, 0], images[:, 0, 1] = 0, 1
    np.testing.assert_allclose(stretch(images), images, atol=1e-6)
    np.testing.assert_allclose(stretch(images / 0.3 - 1.7), images, atol=1e-5)
    np.testing.assert_array_equal(stretch(np.full((1, 4, 4, 1), 7.0)), np.zeros((1, 4, 4, 1)))


def test_it_learns_to_reconstruct_real_digits():
    data = dk.data.load("digits", batch_size=32, augment=False, seed=0)
    options = {**TINY, "units": (32,), "reconstruction_weight": 0.01, "learning_rate": 0.005}
    model = dk.models.build("capsnet", data, seed=0, **options)
    x, _ = next(iter(data.test))
    before = np.square(model.reconstruct(x) - stretch(x)).mean()
    model.fit(data.train, epochs=6, verbose=0)
    assert model.evaluate(data.test, return_dict=True, verbose=0)["accuracy"] > 0.9
    assert np.square(model.reconstruct(x) - stretch(x)).mean() < 0.5 * before


def test_a_saved_network_has_its_decoder_and_goes_on(tmp_path):
    model = tiny()
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.keras")
    again = dk.models.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.reconstruct(X), model.reconstruct(X))
    assert again.count_params() == model.count_params()
    assert again.train_on_batch(X, Y)[0] == model.train_on_batch(X, Y)[0]


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_images_of_one_value_train_to_finite_weights(value):
    model = tiny()
    model.fit(np.full_like(X, value), Y, verbose=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        ((16, 28, 1), {}, r"kernel_size=9 needs images of at least 17 x 17 .*\(16, 28, 1\)"),
        ((28, 28, 1), {"routing_iterations": 0}, "routing_iterations=0"),
        ((28, 28, 1), {"reconstruction_weight": -1}, "reconstruction_weight=-1"),
        ((28, 28, 1), {"primary_dim": 0.5}, "primary_dim=0.5"),
        ((28, 28, 1), {"task": "binary"}, "task must be one of: multiclass"),
        ((28, 28, 1), {"label_smoothing": 0.1}, "label_smoothing=0.1 works with .*'margin'"),
    ],
)
def test_what_cannot_be_built_is_refused(shape, options, words):
    with pytest.raises(InputError, match=words):
        dk.models.capsnet(shape, 10, **options)


def test_the_smallest_image_is_one_place():
    model = dk.models.capsnet((17, 17, 1), 2, filters=2, primary_capsules=3, units=())
    assert model.encoder.get_layer(index=-1).kernel.shape == (3, 8, 2 * 16)
    assert keras.ops.shape(model(np.zeros((1, 17, 17, 1), "float32"))) == (1, 2)
