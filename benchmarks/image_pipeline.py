"""Images a second: JPEG files decoded, resized and augmented, through dlkit and as Keras does it.

    python benchmarks/image_pipeline.py                     # 5,000 JPEGs at 32x32, 96x96, 160x160
    python benchmarks/image_pipeline.py --sizes 64 --rounds 9
    python benchmarks/image_pipeline.py --torch python      # a PyTorch DataLoader as well

Every side gives batches of 64 images in a shuffled order, each flipped, rotated by up to 36 degrees
and zoomed by up to 20%. Keras: `image_dataset_from_directory`, then `RandomFlip`, `RandomRotation`
and `RandomZoom` on the batches. dlkit: `from_image_folder`, which standardises the images besides.
`--torch PYTHON` names a Python that has torch, which dlkit does not install (torch_images.py).

The sides take turns, an epoch each, after a first epoch that is not counted. CPU seconds are those
of all processes of a side. The photos are those of DLKIT_DATA (short side 192 pixels): each of the
5,000 is another part of one of them, between 80% and all of it, encoded again. Up to 32x32 they are
files of CIFAR-10 instead, which are that small.

Then each piece of dlkit's work by itself, beside the work without it; and the peak memory of a
process that reads a tenth of the files, and of one that reads all.
"""

import argparse
import contextlib
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
import unittest.mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import psutil
import tensorflow as tf
from PIL import Image

import dlkit as dk
from dlkit.data.core import pipeline
from dlkit.data.files.class_folders import find_class_folders
from dlkit.data.image import augment, geometry, jpeg_scale, recipes, sources
from dlkit.data.image.reader import ImageReader, whole_images

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results" / "image_pipeline.json"
BATCH = 64
SMALL = 32  # the side of CIFAR-10's images
ROTATION, ZOOM = 36.0, 0.2  # degrees, and the part of an image that comes or goes
STEPS = {"flip": 0.5, "rotate": ROTATION, "zoom": ZOOM}

MEMORY = """
import re, sys
import dlkit as dk
folder, size = sys.argv[1], int(sys.argv[2])
data = dk.data.from_image_folder(folder, image_size=(size, size), batch_size=32, augment="medium")
for split in (data.train, data.val, data.test):
    for batch in split:
        pass
# Not getrusage's maximum, which counts what the parent held when it started this process.
print(int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024)
"""


def make_folder(folder, count, size):
    """Fill the class folders of `folder` with `count` different JPEG files for images of `size`."""
    if size > SMALL:
        return cut_photos(folder, count)
    files = sorted(sources.folder("cifar10_jpg").glob("*/*.jpg"))
    for path in random.Random(0).sample(files, count):
        link(path, folder)


def link(path, folder):
    """Let the same class folder of `folder` have the file `path` too."""
    target = folder / path.parent.name / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(path)


def cut_photos(folder, count):
    """Write `count` different parts of photos into the class folders of `folder`."""
    photos = sorted(sources.folder("flowers").glob("*/*.jpg"))
    draw = random.Random(0)
    draw.shuffle(photos)
    for number in range(count):
        path = photos[number % len(photos)]
        target = folder / path.parent.name / f"{number}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as photo:
            width, height = (round(side * draw.uniform(0.8, 1)) for side in photo.size)
            left, top = draw.randint(0, photo.width - width), draw.randint(0, photo.height - height)
            part = photo.crop((left, top, left + width, top + height))
            part.save(target, quality=draw.randint(80, 92))


def by_dlkit(folder, size):
    """Return a function that draws an epoch of dlkit's pipeline."""
    data = dk.data.from_image_folder(
        folder,
        image_size=(size, size),
        test=folder,  # which is not drawn
        val_fraction=0,
        batch_size=BATCH,
        augment=STEPS,
    )
    return lambda: counted(data.train)


def by_keras(folder, size):
    """Return a function that draws an epoch of the recipe in Keras's guides."""
    images = keras.utils.image_dataset_from_directory(
        folder, image_size=(size, size), batch_size=BATCH, seed=0, verbose=False
    )
    change = keras.Sequential(
        [
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomRotation(ROTATION / 360),
            keras.layers.RandomZoom(ZOOM),
        ]
    )
    dataset = images.map(
        lambda x, y: (change(x, training=True), y), num_parallel_calls=tf.data.AUTOTUNE
    ).prefetch(tf.data.AUTOTUNE)
    return lambda: counted(dataset)


def by_torch(python, stack):
    """Return what makes a function that draws an epoch in a process of `python`."""

    def make(folder, size):
        command = [python, str(HERE / "torch_images.py"), str(folder)]
        command += [str(value) for value in (size, BATCH, ROTATION, ZOOM)]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        stack.callback(child.wait)
        stack.callback(child.stdin.close)

        def epoch():
            child.stdin.write("\n")
            child.stdin.flush()
            return json.loads(child.stdout.readline())

        return epoch

    return make


def counted(batches):
    """Return the wall seconds and the images of an epoch."""
    start = time.perf_counter()
    images = sum(len(targets) for _, targets in batches)
    return time.perf_counter() - start, images


def cpu_seconds():
    """Return the CPU seconds of this process and of all that it started."""
    process = psutil.Process()
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def measure(sides, rounds):
    """Return side -> (wall seconds, CPU seconds) an image of each epoch; the sides take turns."""
    seconds = {name: [] for name in sides}
    for index in range(rounds + 1):
        for name in list(sides) if index % 2 else list(reversed(sides)):
            used = cpu_seconds()
            wall, images = sides[name]()
            if index:  # the first epoch traces, compiles and tunes
                seconds[name].append((wall / images, (cpu_seconds() - used) / images))
    return seconds


def report(size, seconds):
    """Print a row a side, with its ratios to dlkit, the medians over neighbouring epochs."""
    ours = seconds["dlkit"]
    row = {"size": size, "seconds": seconds, "ratios": {}}
    for name, theirs in seconds.items():
        wall, cpu = (statistics.median(one[i] for one in theirs) for i in (0, 1))
        ratios = [
            statistics.median(t[i] / o[i] for t, o in zip(theirs, ours, strict=True))
            for i in (0, 1)
        ]
        row["ratios"][name] = ratios
        print(
            f"{size:<6}{name:<8}{1 / wall:>10.0f}{cpu * 1e3:>12.2f}"
            f"{ratios[0]:>12.2f}{ratios[1]:>11.2f}",
            flush=True,
        )
    return row


# ------------------------------------------------------------------ the pieces


def piece_decoding(folder, size, count):
    """Decoding whole, and at a smaller scale where the image stays large enough."""
    files = whole_images(find_class_folders(folder, "images")[0], "error", (size, size), 3)
    rows = pipeline.spread_rows(np.arange(len(files.paths)), count)

    def dataset():
        reader = ImageReader(files, (size, size), 3)
        return reader.batches(lambda: tf.data.Dataset.from_tensor_slices(rows), BATCH)

    def all_at(scale):
        scales = np.full(len(files.paths), scale)
        with unittest.mock.patch.object(jpeg_scale, "scales", lambda *_: scales):
            return dataset()

    full, looked, reduced = all_at(1), all_at(jpeg_scale.LOOK), dataset()
    return {
        "decoded whole and resized": lambda: counted(full),
        "at a scale looked up in each epoch": lambda: counted(looked),
        "at a scale looked up once": lambda: counted(reduced),
    }


def piece_moves(size, count):
    """A flip, a rotation and a zoom of batches in memory, in one warp, in three, and by image."""
    images = tf.random.stateless_normal((BATCH, size, size, 3), (0, 0))
    batches = tf.data.Dataset.from_tensors((images, tf.zeros(BATCH))).repeat(count // BATCH)
    singles = tf.data.Dataset.from_tensors((images[:1], tf.zeros(1))).repeat(count)
    fused = augment.resolve_image_augmentation(STEPS)

    def after_another(images, seed):
        for name, amount in STEPS.items():
            images = recipes.RECIPES[name](images, seed, amount)
        return images

    def with_tensorflows_kernel(images, seed):
        shape = tf.shape(images)
        matrices = geometry.moves(shape, tf.random.split(seed, len(STEPS)), STEPS)
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=images,
            transforms=tf.reshape(matrices, (-1, 9))[:, :8],
            output_shape=shape[1:3],
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="NEAREST",
        )

    def changed(change, dataset):
        dataset = pipeline.augment_batches(dataset, change, 0, parallel=True)
        return lambda: counted(dataset)

    return {
        "flip, rotation and zoom one after another": changed(after_another, batches),
        "in one warp, TensorFlow's kernel": changed(with_tensorflows_kernel, batches),
        "in one warp, image by image": changed(fused, singles),
        "in one warp, by the batch": changed(fused, batches),
    }


def piece_cache(folder, size, scratch):
    """An epoch from the files, and from the cache of `cache_to`, both augmented."""
    data = dk.data.from_image_folder(
        folder, image_size=(size, size), test=folder, batch_size=BATCH, augment=STEPS
    )
    cached = data.cache_to(scratch)
    return {
        "an epoch of the files": lambda: counted(data.train),
        "an epoch of cache_to's shards": lambda: counted(cached.train),
    }


def report_pieces(folder, size, count, rounds):
    """Print and return the CPU milliseconds an image of each piece."""
    pieces = {}
    with tempfile.TemporaryDirectory() as scratch:
        for sides in (
            piece_decoding(folder, size, count),
            piece_moves(size, count),
            piece_cache(folder, size, pathlib.Path(scratch, "cache")),
        ):
            for name, seconds in measure(sides, rounds).items():
                pieces[name] = statistics.median(cpu for _, cpu in seconds) * 1e3
                print(f"{size:<6}{name:<45}{pieces[name]:>6.2f} CPU ms/image", flush=True)
    return pieces


def report_memory(folder, size):
    """Print and return the peak MB of processes that read a tenth of the photos, and all."""
    photos = sorted(folder.glob("*/*.jpg"))
    with tempfile.TemporaryDirectory() as few:
        for photo in photos[::10]:
            link(photo, pathlib.Path(few))
        peaks = [
            float(subprocess.check_output([sys.executable, "-c", MEMORY, place, str(size)]))
            for place in (few, str(folder))
        ]
    print(
        f"peak memory: {peaks[0]:.0f} MB for {len(photos[::10])} photos, {peaks[1]:.0f} MB for"
        f" {len(photos)}: {peaks[1] / peaks[0]:.3f} times"
    )
    return peaks


def main():
    """Measure, print tables and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 96, 160])
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--torch", metavar="PYTHON", help="a Python that has torch")
    arguments = parser.parse_args()
    results = {"images": arguments.images, "sides": [], "pieces": {}}
    with tempfile.TemporaryDirectory() as scratch:
        folders = {size: pathlib.Path(scratch, str(size > SMALL)) for size in arguments.sizes}
        for size, folder in folders.items():
            if not folder.is_dir():
                make_folder(folder, arguments.images, size)
        print("size  side      images/s  CPU ms/image  wall/dlkit  CPU/dlkit")
        for size, folder in folders.items():
            with contextlib.ExitStack() as stack:
                makers = {"keras": by_keras, "dlkit": by_dlkit}
                if arguments.torch:
                    makers["torch"] = by_torch(arguments.torch, stack)
                sides = {name: make(folder, size) for name, make in makers.items()}
                results["sides"].append(report(size, measure(sides, arguments.rounds)))
        for size, folder in folders.items():
            count = min(1000, arguments.images)
            results["pieces"][size] = report_pieces(folder, size, count, min(arguments.rounds, 3))
        smallest = min(folders)
        results["peak_mb"] = report_memory(folders[smallest], smallest)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
