"""`from_voc`: targets of the right images, splits as published, a detector trained and served."""

import dataclasses
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import dlkit as dk
from dlkit.errors import InputError
from tests.data.boxes.test_voc import note

SIZE = {"image_size": (20, 30), "batch_size": 8}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write 40 images of 60 x 40 with one to three white rectangles, whose sides tell their row."""
    root = tmp_path_factory.mktemp("rectangles")
    (root / "Annotations").mkdir()
    (root / "JPEGImages").mkdir()
    for row in range(40):
        image, objects = np.zeros((40, 60), np.uint8), []
        for place in range(row % 3 + 1):
            left, upper, wide, high = 20 * place + 2, 4, 4 + 2 * (row % 7), 4 + 4 * (row // 7)
            image[upper : upper + high, left : left + wide] = 250
            objects.append((("thin", "wide")[wide > 10], (left, upper, left + wide, upper + high)))
        Image.fromarray(image).save(root / "JPEGImages" / f"{row:02d}.png")
        text = note(*objects, size=(60, 40), filename=f"{row:02d}.png")
        (root / "Annotations" / f"{row:02d}.xml").write_text(text)
    return root


def check_boxes_are_around_what_is_white(data, batch):
    images, targets = batch
    layer = data.preprocessing.layers[-1]
    raw = images * np.sqrt(np.ravel(layer.variance)) + np.ravel(layer.mean)
    height, width = images.shape[1:3]
    for image, boxes, classes in zip(raw, targets["boxes"], targets["classes"], strict=True):
        expected = np.zeros((height, width))
        shown = boxes[classes >= 0] * [width, height, width, height]
        for left, upper, right, lower in shown.round().astype(int):
            expected[upper:lower, left:right] = 1
        assert (boxes[classes < 0] == 0).all() and len(shown)
        np.testing.assert_array_equal(image[..., 0] > 125, expected)


def test_boxes_and_classes_are_those_of_their_images_in_every_split(folder):
    data = dk.data.from_voc(folder, val_fraction=0.25, **SIZE)
    facts = (data.name, data.task, data.kind, data.num_classes, data.class_names)
    assert facts == (folder.name, "detection", "boxes", 2, ("thin", "wide"))
    sizes = []
    for dataset in (data.train, data.val, data.test):
        found = list(dataset.as_numpy_iterator())
        sizes.append(sum(len(images) for images, _ in found))
        for batch in found:
            check_boxes_are_around_what_is_white(data, batch)
            wide = batch[1]["boxes"][:, 0, 2] - batch[1]["boxes"][:, 0, 0] > 10 / 60
            np.testing.assert_array_equal(batch[1]["classes"][:, 0], wide)
    assert sizes == [24, 8, 8]
    raw, targets = data.examples
    check_boxes_are_around_what_is_white(data, (data.preprocessing(raw).numpy(), targets))
    other = dk.data.from_voc(folder, seed=1, **SIZE)
    np.testing.assert_array_equal(other.origin.split.test, data.origin.split.test)


def test_flipped_boxes_are_still_around_what_is_white(folder):
    data = dk.data.from_voc(folder, augment={"flip": 1.0}, cache=True, **SIZE)
    plain = dk.data.from_voc(folder, **SIZE)
    for batch, old in zip(data.train, plain.train, strict=True):
        images, targets = tf.nest.map_structure(lambda part: part.numpy(), batch)
        check_boxes_are_around_what_is_white(data, (images, targets))
        np.testing.assert_allclose(images, old[0].numpy()[:, :, ::-1], atol=1e-5)


def test_published_lists_are_the_splits(folder, tmp_path):
    lists = folder / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    rows = [f"{row:02d}" for row in range(40)]
    try:
        for name, part in (("trainval", rows[:30]), ("val", rows[20:30]), ("test", rows[30:])):
            (lists / f"{name}.txt").write_text("\n".join(part))
        split = dk.data.from_voc(folder, val_fraction=0, **SIZE).origin.split
        assert split.published
        for got, expected in ((split.train, 20), (split.val, 10), (split.test, 10)):
            assert len(got) == expected
        np.testing.assert_array_equal(split.val, np.arange(20, 30))
        np.testing.assert_array_equal(split.test, np.arange(30, 40))
        (lists / "val.txt").unlink()
        split = dk.data.from_voc(folder, val_fraction=0.1, **SIZE).origin.split
        assert (len(split.train), len(split.val), len(split.test)) == (27, 3, 10)
        assert set(split.train) | set(split.val) == set(range(30))
    finally:
        for path in (*lists.iterdir(), lists, lists.parent):
            path.unlink() if path.is_file() else path.rmdir()


def test_same_seed_same_boxes_on_any_number_of_threads(folder):
    steps = {"flip": 0.5, "shift": 0.1, "rotate": 20, "zoom": 0.2, "crop": 0.3, "noise": 0.1}

    def epochs(seed, threads):
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads
        data = dk.data.from_voc(folder, seed=seed, augment=steps, **SIZE)
        found = [*data.train.with_options(options), *data.train.with_options(options)]
        return [part.numpy() for part in tf.nest.flatten(found)]

    one, many, other = epochs(1, 1), epochs(1, 8), epochs(2, 8)
    for first, second in zip(one, many, strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(one[1], other[1])


def test_the_data_can_be_made_again_from_other_rows(folder):
    data = dk.data.from_voc(folder, **SIZE)
    again = data.origin.remake(dataclasses.replace(data.origin.split, train=np.arange(9)))
    assert sum(len(images) for images, _ in again.train) == 9


def test_what_is_left_out_is_told_in_one_line_each(folder, tmp_path, capsys):
    for row in range(6):
        good, bad = ("cat", (0, 0, 5, 5)), ("cat", (1, 2, 1, 4))
        (tmp_path / f"{row}.xml").write_text(note(good, good, bad, size=(9, 9), filename=""))
        Image.new("L", (9, 9)).save(tmp_path / f"{row}.png")
    (tmp_path / "5.png").write_bytes(b"not a picture")
    data = dk.data.from_voc(
        tmp_path, image_size=(9, 9), batch_size=2, max_boxes=1, corrupt="skip", val_fraction=0
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Skipped 1 of 6 files: ") and lines[0].endswith("BMP or GIF image")
    assert lines[1].startswith("Dropped 5 of 15 boxes: 0.xml cat (1, 2, 1, 4) has no area, 1.xml")
    assert lines[2:] == ["Left out 5 boxes of images with more than max_boxes=1."]
    assert data.examples[1]["boxes"].shape[1:] == (1, 4)
    with pytest.raises(InputError, match=r"5\.png is not a JPEG"):
        dk.data.from_voc(tmp_path, image_size=(9, 9))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"max_boxes": 0}, "max_boxes must be a whole number of at least 1.*=0"),
        ({"image_size": 32}, r"image_size must be \(height, width\).* Received: 32"),
        ({"augment": "mixup"}, "'mixup' cannot be used where there are boxes"),
    ],
)
def test_a_wrong_option_is_told_in_one_sentence(folder, options, sentence):
    with pytest.raises(InputError, match=sentence):
        dk.data.from_voc(folder, **{**SIZE, **options})


def test_images_without_any_box_are_told(tmp_path):
    (tmp_path / "a.xml").write_text(note(size=(9, 9)))
    Image.new("L", (9, 9)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"None of the 1 annotations in .* has a box"):
        dk.data.from_voc(tmp_path, image_size=(9, 9))


def test_a_detector_finds_white_cells_and_is_served_for_file_bytes(shared_data, tmp_path):
    """A grid detector of 4 convolutions; the cell to beat is the one that most often holds one."""
    rows, columns = 6, 8
    keras.utils.set_random_seed(0)
    steps = {"flip": 0.5, "shift": 0.1}
    data = dk.data.load(
        "blood_cells", image_size=(48, 64), batch_size=16, cache=True, augment=steps
    )
    white = data.class_names.index("WBC")

    def to_grid(images, targets):
        centres = tf.add(*tf.split(targets["boxes"], 2, axis=-1)) / 2  # (B, M, 2): x, y
        cell = tf.cast(centres * (columns, rows), tf.int32)
        index = tf.minimum(cell[..., 1] * columns + cell[..., 0], rows * columns - 1)
        shown = tf.cast(targets["classes"] == white, tf.float32)[..., tf.newaxis]
        return images, tf.reduce_max(tf.one_hot(index, rows * columns) * shown, axis=1)

    x = inputs = keras.Input(data.input_spec["image"].shape, name="image")
    for filters in (16, 32, 32):
        x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x)
    model = keras.Model(inputs, keras.layers.Flatten()(x))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    model.fit(data.train.map(to_grid), epochs=10, verbose=0)

    found = model.predict(data.test, verbose=0)
    truth = np.concatenate([grid for _, grid in data.test.map(to_grid)])
    usual = sum(grid.numpy().sum(axis=0) for _, grid in data.val.map(to_grid)).argmax()
    hits = truth[np.arange(len(truth)), found.argmax(axis=1)].mean()
    assert hits > 0.5 > 5 * truth[:, usual].mean()

    version = dk.export.saved_model(model, tmp_path / "cells", data=data)
    exported = tf.saved_model.load(str(version))
    some = data.origin.split.test[:4]
    contents = [pathlib.Path(path).read_bytes() for path in data.origin.paths[some]]
    (served,) = exported.signatures["image_bytes"](image_bytes=tf.constant(contents)).values()
    np.testing.assert_allclose(served, found[:4], atol=1e-5)
    raw = tf.constant(data.origin.raw(some))
    (served,) = exported.signatures["serving_default"](image=raw).values()
    np.testing.assert_allclose(served, found[:4], atol=1e-5)
