"""Images a second: JPEG files decoded, resized and augmented, through dlkit and as Keras does it.

    python benchmarks/image_pipeline.py                     # 5,000 photos at 96x96 and 160x160
    python benchmarks/image_pipeline.py --sizes 64 --rounds 9
    python benchmarks/image_pipeline.py --torch             # a PyTorch DataLoader as well

Every side gives batches of 64 images in a shuffled order, each flipped, rotated by up to 36 degrees
and zoomed by up to 20%. Keras: `image_dataset_from_directory`, then `RandomFlip`, `RandomRotation`
and `RandomZoom` on the batches. dlkit: `from_image_folder`, which standardises the images besides.
`--torch` needs torch and torchvision, which dlkit does not install: `ImageFolder` with `Resize`,
`RandomHorizontalFlip` and `RandomAffine` on a `DataLoader` with a worker a core.

The sides take turns, an epoch each, after a first epoch that is not counted. CPU seconds are those
of the process and its workers. The photos are those of DLKIT_DATA (short side 192 pixels), copied
until there are 5,000.
"""

import argparse
import itertools
import json
import os
import pathlib
import shutil
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import psutil
import tensorflow as tf

import dlkit as dk
from dlkit.data import archives

RESULTS = pathlib.Path(__file__).parent / "results" / "image_pipeline.json"
BATCH = 64
ROTATION, ZOOM = 36.0, 0.2  # degrees, and the part of an image that comes or goes


def make_folder(folder, count):
    """Copy the flower photos into the class folders of `folder` until there are `count`."""
    photos = sorted(archives.folder("flowers").glob("*/*.jpg"))
    for number, photo in zip(range(count), itertools.cycle(photos), strict=False):
        target = folder / photo.parent.name / f"{number}.jpg"
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(photo, target)


def by_dlkit(folder, size):
    """Return an epoch of dlkit's pipeline."""
    return dk.data.from_image_folder(
        folder,
        image_size=(size, size),
        test=archives.folder("flowers"),
        val_fraction=0,
        batch_size=BATCH,
        augment={"flip": 0.5, "rotate": ROTATION, "zoom": ZOOM},
    ).train


def by_keras(folder, size):
    """Return an epoch of the recipe in Keras's guides."""
    images = keras.utils.image_dataset_from_directory(
        folder, image_size=(size, size), batch_size=BATCH, seed=0, verbose=False
    )
    augment = keras.Sequential(
        [
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomRotation(ROTATION / 360),
            keras.layers.RandomZoom(ZOOM),
        ]
    )
    return images.map(
        lambda x, y: (augment(x, training=True), y), num_parallel_calls=tf.data.AUTOTUNE
    ).prefetch(tf.data.AUTOTUNE)


def by_torch(folder, size):
    """Return an epoch of torchvision's pipeline."""
    import torch
    from torchvision import datasets, transforms

    steps = transforms.Compose(
        [
            transforms.Resize((size, size)),
            transforms.RandomHorizontalFlip(),
            transforms.RandomAffine(
                ROTATION,
                scale=(1 - ZOOM, 1 + ZOOM),
                interpolation=transforms.InterpolationMode.BILINEAR,
            ),
            transforms.ToTensor(),
        ]
    )
    return torch.utils.data.DataLoader(
        datasets.ImageFolder(folder, steps),
        batch_size=BATCH,
        shuffle=True,
        num_workers=os.cpu_count(),
        persistent_workers=True,
    )


def cpu_seconds():
    """Return the CPU seconds of this process and of the workers that it has."""
    process = psutil.Process()
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def epoch(batches):
    """Return the wall and CPU seconds and the images of an epoch."""
    start, used = time.perf_counter(), cpu_seconds()
    images = sum(len(targets) for _, targets in batches)
    return time.perf_counter() - start, cpu_seconds() - used, images


def measure(sides, folder, size, rounds):
    """Return side -> (wall seconds, CPU seconds) of each epoch; the sides take turns."""
    pipelines = {name: make(folder, size) for name, make in sides.items()}
    seconds = {name: [] for name in sides}
    for index in range(rounds + 1):
        for name in list(sides) if index % 2 else list(reversed(sides)):
            wall, cpu, images = epoch(pipelines[name])
            if index:  # the first epoch traces, compiles and tunes
                seconds[name].append((wall / images, cpu / images))
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


def main():
    """Measure, print a table and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[96, 160])
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--torch", action="store_true", help="a PyTorch DataLoader as well")
    arguments = parser.parse_args()
    sides = {"keras": by_keras, "dlkit": by_dlkit}
    if arguments.torch:
        sides["torch"] = by_torch
    results = []
    print("size  side      images/s  CPU ms/image  wall/dlkit  CPU/dlkit")
    with tempfile.TemporaryDirectory() as folder:
        make_folder(pathlib.Path(folder), arguments.images)
        for size in arguments.sizes:
            results.append(report(size, measure(sides, folder, size, arguments.rounds)))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
