"""The named data sets, from what is on this machine only."""

import gzip
import struct

import numpy as np
import pytest
from sklearn import datasets

import dlkit as dk
from dlkit.data.arrays import sources
from dlkit.data.catalogue import loading
from dlkit.errors import InputError
from tests.data.arrays.test_from_arrays import batches


@pytest.mark.parametrize("name", ["digits", "iris", "breast_cancer", "diabetes"])
def test_the_facts_of_the_catalogue_are_those_of_the_data(name):
    info, data = loading.find_info(name), dk.data.load(name)
    assert (data.name, data.task) == (name, info.task)
    assert info.kind in data.input_spec
    parts = [batches(split) for split in (data.train, data.val, data.test)]
    assert sum(len(targets) for _, targets in parts) == info.examples


def test_digits_are_scikit_learns_own():
    original = datasets.load_digits()
    raw, labels = dk.data.load("digits").examples
    rows = {image.tobytes(): label for image, label in zip(original.images, original.target)}  # noqa: B905 - equal by scikit-learn
    for image, label in zip(raw, labels, strict=True):
        assert rows[image.astype(np.float64).tobytes()] == label


def test_the_test_split_is_the_same_for_every_seed():
    one, two = (dk.data.load("iris", seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(one.examples[0], two.examples[0])
    assert not np.array_equal(batches(one.val)[0], batches(two.val)[0])


def test_an_unknown_name_offers_the_closest():
    with pytest.raises(InputError, match=r"no data set 'digit'\. Did you mean 'digits'"):
        dk.data.load("digit")


def write_idx(path, array, code=8):
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))


@pytest.fixture
def tiny_mnist():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (240, 28, 28)).astype(np.uint8)
    return images, (np.arange(240) % 10).astype(np.uint8)


@pytest.mark.parametrize("name", [info.name for info in dk.data.list()])
def test_an_option_that_a_set_has_not_is_told(name):
    with pytest.raises(InputError, match=rf"^{name} has no option 'val_part'\. Did you mean 'val"):
        dk.data.load(name, val_part=0.2)


def test_mnist_is_read_from_idx_files_in_the_data_folder(tiny_mnist, tmp_path, monkeypatch):
    images, labels = tiny_mnist
    monkeypatch.setenv("DLKIT_DATA", str(tmp_path))
    arrays = (images[:200], labels[:200], images[200:], labels[200:])
    (tmp_path / "mnist").mkdir()
    for name, array in zip(sources.IDX_FILES, arrays, strict=True):
        write_idx(tmp_path / "mnist" / name, array)
    raw, targets = dk.data.load("mnist").examples
    np.testing.assert_array_equal(raw, images[200:232])
    np.testing.assert_array_equal(targets, labels[200:232])


def test_fashion_mnist_is_read_from_keras_cache_format(tiny_mnist, tmp_path, monkeypatch):
    images, labels = tiny_mnist
    monkeypatch.setenv("DLKIT_DATA", str(tmp_path))
    np.savez(
        tmp_path / "fashion_mnist.npz",
        x_train=images[:200],
        y_train=labels[:200],
        x_test=images[200:],
        y_test=labels[200:],
    )
    data = dk.data.load("fashion_mnist")
    assert data.class_names[9] == "Ankle boot"
    np.testing.assert_array_equal(data.examples[0], images[200:232])


def test_the_folders_are_asked_in_order(tmp_path, monkeypatch):
    monkeypatch.setenv("DLKIT_DATA", str(tmp_path / "shared"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    asked = list(sources.mnist_folders("fashion_mnist"))
    assert asked[0] == tmp_path / "shared"
    assert asked[-2:] == [
        tmp_path / "keras" / "datasets" / "fashion-mnist",
        sources.DEBIAN_FOLDER / "fashion-mnist",
    ]


def test_offline_one_sentence_says_where_a_file_may_be_put(tmp_path, monkeypatch):
    import keras

    def refuse():
        raise Exception("URL fetch failure on https://example.org: None -- no route to host")

    monkeypatch.setenv("DLKIT_DATA", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(sources, "DEBIAN_FOLDER", tmp_path / "debian")
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", refuse)
    with pytest.raises(InputError, match="apt install dataset-fashion-mnist") as error:
        dk.data.load("fashion_mnist")
    assert str(tmp_path / "datasets") in str(error.value)
    assert "fashion_mnist.npz" in str(error.value)


@pytest.mark.parametrize("damage", ["cut", "not gzip", "other dtype"])
def test_a_damaged_idx_file_is_named(tmp_path, damage):
    path = tmp_path / "t10k-labels-idx1-ubyte.gz"
    write_idx(path, np.arange(10, dtype=np.uint8), code=9 if damage == "other dtype" else 8)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-12])
    elif damage == "not gzip":
        path.write_bytes(b"<html>not found</html>")
    with pytest.raises(InputError, match=r"t10k-labels-idx1-ubyte\.gz.*fetch"):
        sources.read_idx(path)


def test_an_archive_without_the_arrays_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("DLKIT_DATA", str(tmp_path))
    np.savez(tmp_path / "mnist.npz", images=np.zeros(3))
    with pytest.raises(InputError, match=r"mnist\.npz is not a data set file"):
        dk.data.load("mnist")
