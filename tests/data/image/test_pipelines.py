"""Image pipelines on real photos: trained on, exported, drawn, and flat in memory."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import sklearn.datasets
import tensorflow as tf
from PIL import Image

import dlkit as dk
from dlkit.data.catalogue import loading
from dlkit.data.image import sources
from tests.data.arrays.test_from_arrays import batches

PHOTO = pathlib.Path(sklearn.datasets.__file__).parent / "images" / "china.jpg"


@pytest.fixture(scope="module")
def unpacked(shared_data, tmp_path_factory):
    """Let the named sets be unpacked into a temporary cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        yield


def test_a_small_network_tells_cars_from_frogs_and_is_served_raw_pixels(unpacked, tmp_path):
    """The share of the larger class, half of the images, is the baseline."""
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        for name in ("automobile", "frog"):
            source = sources.folder("cifar10_jpg", split) / name
            (tmp_path / split / name).symlink_to(source)
    data = dk.data.from_image_folder(
        tmp_path / "train",
        test=tmp_path / "test",
        image_size=(32, 32),
        cache=True,
        augment="light",
        name="cars_and_frogs",
    )
    schedule = dk.training.OneCycle(4e-3, 4 * len(data.train))
    model = dk.models.build("lenet5", data, seed=0, learning_rate=schedule)
    model.fit(data.train, validation_data=data.val, epochs=4, verbose=0)
    assert model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"] > 0.8

    version = dk.export.saved_model(model, tmp_path / "cars_and_frogs", data=data)
    served = tf.saved_model.load(version).signatures["serving_default"]
    raw, labels = data.examples
    assert raw.dtype == np.uint8 and 0 < labels.mean() < 1
    every = len(batches(data.test)[1]) - 1
    rows = np.linspace(0, every, len(raw)).round().astype(int)
    trained_on = model.predict(data.test, verbose=0)[rows]
    (answer,) = served(image=tf.constant(raw)).values()
    np.testing.assert_allclose(answer, trained_on, atol=1e-5)


# From pictures of one thing each, two facts of it; cars and frogs have one or none of them.
FACTS = {
    "airplane": ("flies", "machine"),
    "automobile": ("machine",),
    "bird": ("flies",),
    "frog": (),
}


def test_a_small_network_tells_what_flies_and_what_is_a_machine_from_file_bytes(unpacked, tmp_path):
    """Each label is on in half of the images, so always on, or off, is right for half of them."""
    for split, count in (("train", 500), ("test", 200)):
        rows = ["path,label"]
        for name, facts in FACTS.items():
            files = sorted((sources.folder("cifar10_jpg", split) / name).iterdir())[:count]
            rows += [",".join((str(file), *facts)) for file in files]
        (tmp_path / f"{split}.csv").write_text("\n".join(rows))
    data = dk.data.from_image_table(
        tmp_path / "train.csv",
        test=tmp_path / "test.csv",
        image_size=(32, 32),
        cache=True,
        augment="light",
        name="facts",
    )
    assert (data.task, data.class_names) == ("multilabel", ("flies", "machine"))
    schedule = dk.training.OneCycle(4e-3, 6 * len(data.train))
    model = dk.models.build("lenet5", data, seed=0, learning_rate=schedule)
    model.fit(data.train, epochs=6, verbose=0)
    found, labels = model.predict(data.test, verbose=0), batches(data.test)[1]
    assert labels.mean(axis=0).tolist() == [0.5, 0.5]
    assert ((found > 0.5) == labels).mean() > 0.72

    version = dk.export.saved_model(model, tmp_path / "facts", data=data)
    served = tf.saved_model.load(version).signatures["image_bytes"]
    rows = [0, 250, 450, 799]
    paths = data.origin.paths[data.origin.split.test[rows]]
    contents = tf.constant([pathlib.Path(path).read_bytes() for path in paths])
    (answer,) = served(image_bytes=contents).values()
    np.testing.assert_allclose(answer, found[rows], atol=1e-5)


def test_flowers_are_read_as_pillow_reads_them(unpacked):
    """Photos of 192 pixels and more, to 96: the decoder does the half of it."""
    folder = sources.folder("flowers")
    data = dk.data.from_image_folder(folder, image_size=(96, 96), batch_size=32)
    assert data.class_names == ("daisy", "dandelion", "roses", "sunflowers", "tulips")
    assert np.bincount(batches(data.test)[1]).tolist() == [24] * 5
    photos = sorted(folder.glob("daisy/*.jpg"))
    shrunk = []
    for path in photos:
        with Image.open(path) as photo:
            shrunk.append(np.asarray(photo.resize((96, 96), Image.Resampling.BILINEAR)))
    first = data.examples[0][0].astype(int)  # some daisy
    differences = np.abs(np.stack(shrunk).astype(int) - first).mean(axis=(1, 2, 3))
    nearest, second = np.sort(differences)[:2]
    assert nearest < 6 < 20 < second


@pytest.mark.parametrize("name", sources.ARCHIVES)
def test_the_facts_of_the_catalogue_are_those_of_the_data(unpacked, name):
    info = loading.find_info(name)
    folders = [sources.folder(name, split) for split in ("train", "test")]
    files = [path for folder in folders if folder for path in folder.glob("*/*.jpg")]
    assert len(files) == info.examples
    data = dk.data.load(name, cache=False)
    size = sources.ARCHIVES[name].image_size
    assert data.input_spec[info.kind].shape == (*size, 3)
    assert (data.name, data.task) == (name, info.task)
    assert f"{data.num_classes} {'classes' if name == 'cifar10_jpg' else 'species'}" in (
        info.description
    )


def test_a_batch_is_drawn_with_its_class_names(unpacked, tmp_path):
    figure = dk.data.load("flowers", augment="strong").show(tmp_path / "flowers.png", count=4)
    assert {axis.get_title() for axis in figure.axes} <= {
        *("daisy", "dandelion", "roses", "sunflowers", "tulips")
    }
    picture = np.asarray(Image.open(tmp_path / "flowers.png").convert("RGB"))
    assert picture.std() > 30


MEMORY = """
import json, pathlib, re, sys
import dlkit as dk
from dlkit.data.image import pipelines

pipelines._COMPILED_FROM = 0  # both, since XLA needs some memory once
data = dk.data.from_image_folder(sys.argv[1], image_size=(128, 128), batch_size=32)
count = sum(len(labels) for split in (data.train, data.val, data.test) for _, labels in split)
# Not getrusage's maximum, which counts what the parent held when it started this process.
peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
print(json.dumps([count, int(peak)]))
"""


def test_ten_times_the_files_need_no_more_memory(tmp_path):
    """One photo, linked 200 and 2,000 times: held, the pixels would be 390 MB as floats."""
    with Image.open(PHOTO) as photo:
        photo.resize((160, 160)).save(tmp_path / "photo.jpg")
    for count in (200, 2000):
        for number in range(count):
            path = tmp_path / str(count) / "ab"[number % 2] / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(tmp_path / "photo.jpg", path)
    (tmp_path / "memory.py").write_text(MEMORY)

    def measured(folder):
        """A process for each: a second pipeline in one takes 30 to 90 MB, whatever it reads."""
        command = [sys.executable, tmp_path / "memory.py", str(tmp_path / folder)]
        finished = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(finished.stdout)

    (few, before), (many, after) = map(measured, ("200", "2000"))
    assert (few, many) == (200, 2000)
    assert after < 1.1 * before, f"{before / 1024:.0f} MB, then {after / 1024:.0f} MB"
