"""Caches on the disk: the same examples, a new order each epoch, and never a half of one."""

import dataclasses
import json
import os
import pathlib

import numpy as np
import pytest

import dlkit as dk
from dlkit.data.changes import disk_cache
from dlkit.errors import InputError


def numbers(seed=0, **options):
    """Return 600 rows that are all different."""
    x = np.arange(600, dtype=np.float32)[:, None] * [1, -1]
    return dk.data.from_arrays(x, np.arange(600) % 3, batch_size=32, seed=seed, **options)


def table():
    values = {"a": np.arange(90.0), "b": ["x", "y", "z"] * 30, "c": [0, 1] * 45}
    return dk.data.from_dataframe(values, "c", batch_size=8, cache=False)


def batches(dataset):
    return list(dataset.as_numpy_iterator())


def joined(dataset):
    return [np.concatenate(part) for part in zip(*dataset.as_numpy_iterator(), strict=True)]


def by_rows(dataset):
    """Return inputs and targets side by side, sorted."""
    x, *rest = joined(dataset)
    whole = np.column_stack([x.reshape(len(x), -1), *rest])
    return whole[np.lexsort(whole.T)]


@pytest.mark.parametrize("make", [numbers, table])
def test_the_examples_are_those_of_the_pipelines(make, tmp_path):
    data = make()
    cached = data.cache_to(tmp_path / "cache")
    assert cached.train.element_spec == data.train.element_spec
    assert [len(getattr(cached, s)) for s in ("train", "val", "test")] == [
        len(getattr(data, s)) for s in ("train", "val", "test")
    ]
    np.testing.assert_array_equal(by_rows(cached.train), by_rows(data.train))
    for split in ("val", "test"):
        for ours, theirs in zip(
            joined(getattr(cached, split)), joined(getattr(data, split)), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
    assert os.listdir(tmp_path) == ["cache"]


def test_each_epoch_has_an_order_of_its_own_which_the_seed_repeats(tmp_path):
    first = numbers().cache_to(tmp_path / "cache")
    second = numbers().cache_to(tmp_path / "cache")
    epochs = [joined(data.train)[0][:, 0] for data in (first, second) for _ in range(3)]
    for ours, theirs in zip(epochs[:3], epochs[3:], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    correlations = np.corrcoef([np.argsort(epoch) for epoch in epochs[:3]])
    assert np.abs(correlations[np.triu_indices(3, 1)]).max() < 0.2  # well mixed
    assert np.abs(np.corrcoef(epochs[0][1:], epochs[0][:-1])[0, 1]) < 0.2


def test_photos_are_augmented_anew_and_not_read_again(shared_data, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    from dlkit.data.image import sources

    folder = tmp_path / "photos"
    for name in ("daisy", "roses"):
        (folder / name).mkdir(parents=True)
        for photo in sorted((sources.folder("flowers") / name).iterdir())[:20]:
            (folder / name / photo.name).write_bytes(photo.read_bytes())

    def make(augment):
        return dk.data.from_image_folder(
            folder, image_size=(32, 32), batch_size=8, val_fraction=0.25, augment=augment
        )

    plain = make(None).cache_to(tmp_path / "cache")
    flipped = make({"flip": 1.0}).cache_to(tmp_path / "cache")  # the same cache
    for photo in folder.rglob("*.jpg"):
        facts = photo.stat()
        photo.write_bytes(b"\0" * facts.st_size)  # nothing reads them any more
        os.utime(photo, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    ours, theirs = joined(plain.train)[0], joined(flipped.train)[0]
    np.testing.assert_array_equal(ours[:, :, ::-1], theirs)
    twice = [joined(plain.val)[0] for _ in range(2)]
    np.testing.assert_array_equal(*twice)


def test_weights_and_rows_that_stand_twice_are_cached(tmp_path):
    data = numbers()
    split = data.origin.split
    twice = np.concatenate([split.train, split.train[:5]])
    weights = np.linspace(0, 1, 600)
    other = data.origin.remake(dataclasses.replace(split, train=twice, weights=weights))
    cached = other.cache_to(tmp_path / "cache")
    np.testing.assert_array_equal(by_rows(cached.train), by_rows(other.train))
    assert len(batches(cached.val)[0]) == 2
    with pytest.raises(InputError, match="made of other examples, splits or preparation"):
        data.cache_to(tmp_path / "cache")


def test_raw_inputs_that_are_augmented_are_cached_raw(tmp_path):
    data = numbers(cache=False)
    feed = dataclasses.replace(data.origin.feed, augment_raw=lambda x, seed: 600 - x)
    raw = dataclasses.replace(data, origin=dataclasses.replace(data.origin, feed=feed))
    cached = raw.cache_to(tmp_path / "cache")
    rows = np.sort(data.origin.split.train)
    wanted = data.preprocessing(600 - data.origin.raw(rows)).numpy()
    np.testing.assert_array_equal(np.sort(joined(cached.train)[0][:, 0]), np.sort(wanted[:, 0]))
    np.testing.assert_array_equal(joined(cached.val)[0], joined(data.val)[0])  # not augmented
    with pytest.raises(InputError, match="other examples, splits or preparation"):
        data.cache_to(tmp_path / "cache")


def test_a_cache_of_something_else_is_refused_and_overwritten_when_asked(tmp_path):
    folder = tmp_path / "cache"
    numbers().cache_to(folder)
    other = numbers(seed=1)
    with pytest.raises(InputError, match=rf"{folder} holds the cache of 'arrays' made of other"):
        other.cache_to(folder)
    cached = other.cache_to(folder, overwrite=True)
    np.testing.assert_array_equal(by_rows(cached.train), by_rows(other.train))
    with pytest.raises(InputError, match="overwrite=True to write it anew"):
        numbers().cache_to(folder)


@pytest.mark.parametrize("damage", ["cut", "gone", "manifest", "format"])
def test_a_cache_that_is_not_whole_is_refused(tmp_path, damage):
    folder = tmp_path / "cache"
    numbers().cache_to(folder)
    shard, manifest = folder / "train-00003.tfrecord", folder / disk_cache.MANIFEST
    size = shard.stat().st_size
    told = {
        "cut": f"train-00003.tfrecord has {size - 9} bytes, expected {size}",
        "gone": f"train-00003.tfrecord has 0 bytes, expected {size}",
        "manifest": "cache.json cannot be read",
        "format": "its format is 'another', expected 'dlkit cache 1'",
    }[damage]
    if damage == "cut":
        shard.write_bytes(shard.read_bytes()[:-9])
    elif damage == "gone":
        shard.unlink()
    elif damage == "manifest":
        manifest.write_text(manifest.read_text()[:50])
    else:
        manifest.write_text(json.dumps({"format": "another"}))
    with pytest.raises(InputError, match=rf"is not whole \({told}\); overwrite=True writes it"):
        numbers().cache_to(folder)
    cached = numbers().cache_to(folder, overwrite=True)
    np.testing.assert_array_equal(by_rows(cached.train), by_rows(numbers().train))


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(InputError, match=rf"{tmp_path} holds 'thesis.txt', which is no cache"):
            numbers().cache_to(tmp_path, overwrite=overwrite)
    with pytest.raises(InputError, match=r"thesis.txt is a file"):
        numbers().cache_to(tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_what_breaks_off_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupted(*arguments, least):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(disk_cache, "_room", interrupted)
        with pytest.raises(KeyboardInterrupt):
            numbers().cache_to(tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "cache").mkdir()  # an empty folder will do
    assert len(numbers().cache_to(tmp_path / "cache").train) == 14


def test_large_splits_have_more_shards():
    """64 MiB a shard, and at least 8 shards to read in turn where there are as many examples."""
    assert disk_cache._room(1000, 100, least=8) == 125
    assert disk_cache._room(3, 100, least=8) == 1
    assert disk_cache._room(100_000, 200_000, least=8) == 335  # 299 shards of 67 MB


def test_a_training_reads_a_cache_as_any_other_data(tmp_path):
    data = dk.data.load("digits", batch_size=32).cache_to(tmp_path / "digits")
    model = dk.models.build("mlp", data, seed=0, learning_rate=3e-3)
    model.fit(data.train, validation_data=data.val, epochs=8, verbose=0)
    assert model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"] > 0.9
    folds = data.origin.remake(data.origin.split)  # made again, it is not cached
    assert folds.origin.stored is None


def test_data_without_an_origin_cannot_be_cached(tmp_path):
    data = dataclasses.replace(numbers(), origin=None)
    with pytest.raises(InputError, match=r"'arrays' does not say which examples"):
        data.cache_to(tmp_path / "cache")


def test_a_damaged_photo_is_named(tmp_path):
    import sklearn.datasets
    from PIL import Image

    photo = pathlib.Path(sklearn.datasets.__file__).parent / "images" / "china.jpg"
    for number in range(40):
        path = tmp_path / "photos" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(photo) as picture:
            picture.resize((9, 9 + number)).save(path)
    data = dk.data.from_image_folder(
        tmp_path / "photos", image_size=(8, 8), batch_size=8, cache=False
    )
    broken = tmp_path / "photos" / "a" / "0.png"
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(InputError, match=r"a/0\.png cannot be decoded"):
        data.cache_to(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
