"""`from_image_folder` and `from_image_table`: files of known content, real photos, wrong input."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import dlkit as dk
from dlkit.data.image import augment, pipelines
from dlkit.errors import InputError
from tests.data.arrays.test_from_arrays import batches

SIZE = {"image_size": (6, 8)}


def save(path, grey, suffix_mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 6), int(grey)).convert(suffix_mode).save(path)


def greys(data, images):
    """Return the grey value of each standardised image of one colour."""
    layer = data.preprocessing.layers[-1]
    mean, variance = (np.ravel(v)[0] for v in (layer.mean, layer.variance))
    return (images[:, 0, 0, 0] * np.sqrt(variance) + mean).round().astype(int)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write 100 images of one grey each: 0 to 59 of class a, 60 to 99 of class b."""
    root = tmp_path_factory.mktemp("greys")
    for grey in range(100):
        suffix = ("png", "bmp", "gif")[grey % 3]
        mode = "L" if suffix == "gif" or grey % 2 else "RGB"
        save(root / ("a" if grey < 60 else "b") / f"{grey:03d}.{suffix}", grey, mode)
    return root


def test_every_file_is_in_exactly_one_split_with_its_own_class(folder):
    data = dk.data.from_image_folder(folder, val_fraction=0.25, batch_size=16, **SIZE)
    assert (data.name, data.task, data.class_names) == (folder.name, "binary", ("a", "b"))
    seen = []
    for split, count in ((data.train, 60), (data.val, 20), (data.test, 20)):
        images, labels = batches(split)
        assert len(images) == count and len(split) == -(-count // 16)
        np.testing.assert_array_equal(greys(data, images) >= 60, labels)
        assert labels.mean() == 0.4
        seen.extend(greys(data, images))
    assert sorted(seen) == list(range(100))


def test_channels_are_standardised_by_the_training_split(folder):
    data = dk.data.from_image_folder(folder, val_fraction=0, channels=1, batch_size=16, **SIZE)
    assert data.input_spec["image"].shape == (6, 8, 1)
    images, _ = batches(data.train)
    np.testing.assert_allclose([images.mean(), images.std()], [0, 1], atol=1e-4)
    raw, labels = data.examples
    assert raw.dtype == np.uint8 and raw.shape == (20, 6, 8, 1)
    np.testing.assert_array_equal(raw[:, 0, 0, 0] >= 60, labels)
    np.testing.assert_allclose(data.preprocessing(raw), batches(data.test)[0], atol=1e-5)


def test_the_test_folder_is_the_test_split(folder, tmp_path):
    for name, grey in (("a", 7), ("b", 207), ("b", 208)):
        save(tmp_path / name / f"{grey}.png", grey)
    data = dk.data.from_image_folder(folder, test=tmp_path, val_fraction=0, **SIZE)
    images, labels = batches(data.test)
    assert (greys(data, images).tolist(), labels.tolist()) == ([7, 207, 208], [0, 1, 1])
    assert sorted(greys(data, batches(data.train)[0])) == list(range(100))
    save(tmp_path / "c" / "1.png", 1)
    with pytest.raises(InputError, match="Label 'c' is not one of the 2 classes: a, b"):
        dk.data.from_image_folder(folder, test=tmp_path, **SIZE)


EVERYTHING = {
    **{"flip": 0.5, "shift": 0.1, "rotate": 20, "zoom": 0.2, "crop": 0.3, "brightness": 0.2},
    **{"contrast": 0.2, "saturation": 0.3, "hue": 20, "noise": 0.1, "cutout": 0.4},
    **{"randaugment": (2, 0.3), "mixup": 0.2, "cutmix": 1.0},
}


def test_same_seed_same_batches_on_any_number_of_threads(folder):
    assert set(EVERYTHING) == set(augment.STEPS)

    def epochs(seed, threads):
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads
        train = dk.data.from_image_folder(
            folder, seed=seed, augment=EVERYTHING, batch_size=8, **SIZE
        ).train.with_options(options)
        return [part for _ in range(2) for part in batches(train)]

    one, many, other = epochs(1, 1), epochs(1, 8), epochs(2, 8)
    for first, second in zip(one, many, strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(one[0], one[2])
    assert not np.array_equal(one[0], other[0])


def test_cached_or_not_the_batches_are_the_same(folder):
    read, held = (
        batches(dk.data.from_image_folder(folder, cache=cache, augment="medium", **SIZE).train)
        for cache in (False, True)
    )
    for one, two in zip(read, held, strict=True):
        np.testing.assert_array_equal(one, two)


def test_compiled_or_not_the_batches_are_the_same(folder, monkeypatch):
    found = []
    for least in (pipelines._COMPILED_FROM, 0):
        monkeypatch.setattr(pipelines, "_COMPILED_FROM", least)
        data = dk.data.from_image_folder(folder, batch_size=36, **SIZE)
        assert data.origin.feed.compiled == (least == 0)
        found.append(batches(data.train)[0])
    np.testing.assert_array_equal(*found)


def test_a_killed_training_finds_the_order_that_it_would_have_had(folder):
    from dlkit.training.resume import advance_order

    first, second = (dk.data.from_image_folder(folder, **SIZE).train for _ in range(2))
    for _ in range(2):
        iter(first), batches(first)  # as `fit` does in each epoch
    advance_order(second, epochs=2)
    np.testing.assert_array_equal(batches(first)[0], batches(second)[0])


def test_only_training_images_are_augmented(folder):
    plain, changed = (
        dk.data.from_image_folder(folder, augment=augment, **SIZE) for augment in (None, "light")
    )
    for split in ("val", "test"):
        images = batches(getattr(plain, split))[0]
        np.testing.assert_array_equal(images, batches(getattr(changed, split))[0])


def test_files_that_are_no_images_are_skipped_with_one_line_each_time(folder, tmp_path, capsys):
    for grey in range(40):
        save(tmp_path / "ab"[grey % 2] / f"{grey}.jpg", grey)
    (tmp_path / "a" / "notes.txt").write_text("daisies of May")
    cut = (tmp_path / "b" / "1.jpg").read_bytes()[:300]
    (tmp_path / "b" / "1.jpg").write_bytes(cut + b"\xff\xd9")
    data = dk.data.from_image_folder(tmp_path, corrupt="skip", batch_size=8, **SIZE)
    sizes = [len(batches(split)[1]) for split in (data.train, data.val, data.test)]
    assert sum(sizes) == 39
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("a/notes.txt is not a JPEG, PNG, BMP or GIF image")
    assert lines[1:] == [f"Skipped 1 of 40 files: {tmp_path}/b/1.jpg is damaged"]
    with pytest.raises(InputError, match=r"notes\.txt is not a JPEG.* or give corrupt='skip'"):
        dk.data.from_image_folder(tmp_path, **SIZE)


@pytest.mark.parametrize(("limit", "gone"), [(100 * 6 * 8 * 3, False), (100 * 6 * 8 * 3 - 1, True)])
def test_a_small_set_is_read_once(folder, tmp_path, monkeypatch, limit, gone):
    monkeypatch.setattr(pipelines, "_CACHED_UP_TO", limit)
    shutil.copytree(folder, tmp_path / "copy")
    data = dk.data.from_image_folder(tmp_path / "copy", val_fraction=0, **SIZE)
    shutil.rmtree(tmp_path / "copy")
    if gone:
        with pytest.raises(tf.errors.InvalidArgumentError, match="cannot be"):
            batches(data.train)
    else:
        assert sorted(greys(data, batches(data.train)[0])) == sorted(
            set(range(100)) - set(greys(data, batches(data.test)[0]))
        )


def test_fit_names_the_file_that_is_damaged_while_training(folder, tmp_path):
    import keras

    for grey in range(40):
        save(tmp_path / "ab"[grey % 2] / f"{grey}.png", grey)
    data = dk.data.from_image_folder(tmp_path, val_fraction=0, batch_size=8, cache=False, **SIZE)
    for path in tmp_path.glob("a/*.png"):
        path.write_bytes(path.read_bytes()[:60])
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile(loss="mse")
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"{tmp_path}/a/\d+\.png cannot be"):
        model.fit(data.train, verbose=0)


def test_a_table_gives_several_labels_an_image(folder, tmp_path):
    rows = ["path,bright,even"]
    rows += [f"{path}, {int(path.stem) // 60}, {1 - int(path.stem) % 2}" for path in _files(folder)]
    (tmp_path / "greys.csv").write_text("\n".join(rows))
    data = dk.data.from_image_table(tmp_path / "greys.csv", **SIZE)
    assert (data.name, data.task, data.class_names) == ("greys", "multilabel", ("bright", "even"))
    images, labels = batches(data.train)
    values = greys(data, images)
    np.testing.assert_array_equal(labels, np.stack([values // 60, 1 - values % 2], axis=1))


@pytest.mark.parametrize(
    ("label", "task", "names"),
    [
        (lambda grey: f"{grey / 7:.3f}", "regression", None),
        (lambda grey: grey % 3 + 9, "multiclass", ("9", "10", "11")),
        (lambda grey: ("dark", "light")[int(grey > 50)], "binary", ("dark", "light")),
    ],
)
def test_the_task_is_read_from_the_labels(folder, tmp_path, label, task, names):
    rows = ["path,label", *(f"{path},{label(int(path.stem))}" for path in _files(folder))]
    (tmp_path / "greys.csv").write_text("\n".join(rows))
    (tmp_path / "test.csv").write_text("\n".join(rows[:20]))
    data = dk.data.from_image_table(tmp_path / "greys.csv", test=tmp_path / "test.csv", **SIZE)
    assert (data.task, data.class_names) == (task, names)
    images, labels = batches(data.test)
    expected = [str(label(grey)) for grey in greys(data, images)]
    if names:
        assert [names[index] for index in labels] == expected
    else:
        np.testing.assert_allclose(labels, np.array(expected, float), rtol=1e-6)


def test_the_labels_to_split_are_those_of_the_training_table(folder, tmp_path):
    paths = _files(folder)
    (tmp_path / "tags.csv").write_text(
        "path,tags\n"
        + "\n".join(f"{path},{'x|y' if i % 2 else ''}" for i, path in enumerate(paths))
    )
    (tmp_path / "test.csv").write_text(f"path,tags\n{paths[0]},y\n")
    table, test = tmp_path / "tags.csv", tmp_path / "test.csv"
    data = dk.data.from_image_table(table, test=test, separator="|", name="tags", **SIZE)
    assert (data.task, data.class_names) == ("multilabel", ("x", "y"))
    np.testing.assert_array_equal(batches(data.test)[1], [[0, 1]])


def _files(folder):
    return sorted(folder.glob("*/*"))


def test_a_path_of_the_table_that_does_not_exist_is_named_with_its_line(folder, tmp_path):
    rows = ["path,label", *(f"{path},{path.parent.name}" for path in _files(folder)), "no.png,a"]
    (tmp_path / "greys.csv").write_text("\n".join(rows))
    with pytest.raises(InputError, match=r"/no\.png \(line 102 of .*greys\.csv\) does not exist"):
        dk.data.from_image_table(tmp_path / "greys.csv", **SIZE)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"image_size": 32}, r"image_size must be \(height, width\).* Received: 32"),
        ({"image_size": (32, 0)}, "image_size's width must be a whole number of at least 1.*=0"),
        ({"channels": 2}, r"1 \(grey\), 3 \(colour\) or None \(what all .* Received: channels=2"),
        ({"corrupt": "ignore"}, "corrupt must be one of: error, skip. Received: corrupt='ignore'"),
        ({"seed": -1}, "seed must be a whole number of at least 0"),
        ({"val_fraction": 1}, r"val_fraction must be in \[0, 1\)"),
        ({"augment": "flop"}, "Did you mean 'flip'"),
        ({"test": "nowhere"}, "nowhere is not a folder"),
    ],
)
def test_a_wrong_option_is_told_in_one_sentence(folder, options, sentence):
    with pytest.raises(InputError, match=sentence):
        dk.data.from_image_folder(folder, **{**SIZE, **options})


def test_one_class_only_is_told(tmp_path):
    save(tmp_path / "roses" / "1.png", 1)
    with pytest.raises(InputError, match=r"one class folder only \('roses'\); a classifier needs"):
        dk.data.from_image_folder(tmp_path, **SIZE)
