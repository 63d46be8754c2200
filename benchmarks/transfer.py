"""Transfer on flowers: features computed once, beside the recipe of Keras's guide.

    python benchmarks/transfer.py [--backbone Xception] [--rounds 3] [--epochs 5] [--size 150]

Both train the same head on the same frozen backbone and files, without augmentation. MobileNet is
that of alpha 0.25 with its weights of ImageNet, which DLKIT_DATA holds; others, as the guide's
Xception, have random weights, and their accuracy says nothing. The recipe has the backbone in the
model with `trainable=False`, and `image_dataset_from_directory` with `cache` and `prefetch`. CPU
seconds are the process's, all threads, from the first file to the end of `fit`; the two take turns,
and each round has its split.
"""

import argparse
import os
import pathlib
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

import dlkit as dk

L2 = 0.1  # `transfer`'s default


def settings(given):
    """Return what a backbone is told besides its size."""
    if given.backbone != "MobileNet":
        return {"weights": None}
    folder = pathlib.Path(os.environ["DLKIT_DATA"], "weights")
    return {"weights": folder / "mobilenet_2_5_224_tf_no_top.h5", "alpha": 0.25}


def load(given, seed):
    size = (given.size, given.size)
    return dk.data.load(
        "flowers", image_size=size, batch_size=32, corrupt="skip", augment=None, seed=seed
    )


def with_dlkit(given, seed):
    """Return the trained model, its test data and the CPU seconds."""
    began = time.process_time()
    data = load(given, seed)
    options = settings(given)
    model = dk.models.build("transfer", data, backbone=given.backbone, seed=seed, **options)
    model.fit(data.train, validation_data=data.val, epochs=given.epochs, verbose=0)
    return model, data.test, time.process_time() - began


def with_keras(given, seed):
    """Return the same of the usual recipe; the files are laid out before the clock starts."""
    data = load(given, seed)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("train", "val", "test"):
            for row in getattr(data.origin.split, name):
                path = pathlib.Path(data.origin.paths[row])
                link = pathlib.Path(folder, name, path.parent.name, path.name)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path)
        began = time.process_time()
        train, val, test = (
            read(pathlib.Path(folder, name), given) for name in ("train", "val", "test")
        )
        keras.utils.set_random_seed(seed)
        make = getattr(keras.applications, given.backbone)
        shape = (given.size, given.size, 3)
        base = make(input_shape=shape, include_top=False, **settings(given))
        base.trainable = False
        inputs = keras.Input(shape)
        x = base(keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs), training=False)
        pools = keras.layers.GlobalAveragePooling2D()(x), keras.layers.GlobalMaxPooling2D()(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(keras.layers.Concatenate()(pools))
        x = keras.layers.Dropout(0.2)(x)
        penalty = keras.regularizers.L2(L2)
        outputs = keras.layers.Dense(5, "softmax", kernel_regularizer=penalty)(x)
        model = keras.Model(inputs, outputs)
        model.compile(
            keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        model.fit(train, validation_data=val, epochs=given.epochs, verbose=0)
        seconds = time.process_time() - began
        model.evaluate(test, verbose=0)  # fills its cache while the files are there
    return model, test, seconds


def read(folder, given):
    size = (given.size, given.size)
    shuffle = folder.name == "train"
    dataset = keras.utils.image_dataset_from_directory(
        folder, image_size=size, batch_size=32, shuffle=shuffle, seed=0, verbose=False
    )
    return dataset.cache().prefetch(tf.data.AUTOTUNE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backbone", default="MobileNet")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--size", type=int, default=224)
    given = parser.parse_args()
    found = {"dlkit": [], "recipe": []}
    for seed in range(given.rounds):
        for name, run in (("dlkit", with_dlkit), ("recipe", with_keras)):
            keras.backend.clear_session()
            model, test, seconds = run(given, seed)
            accuracy = model.evaluate(test, return_dict=True, verbose=0)["accuracy"]
            found[name].append((seconds, accuracy))
            print(f"{seed} {name}: {seconds:.1f} CPU s, test accuracy {accuracy:.3f}", flush=True)
    seconds = {name: statistics.median(s for s, _ in runs) for name, runs in found.items()}
    accuracy = {name: statistics.fmean(a for _, a in runs) for name, runs in found.items()}
    print(
        f"{given.epochs} epochs, medians: dlkit {seconds['dlkit']:.1f} CPU s, recipe"
        f" {seconds['recipe']:.1f}: {seconds['dlkit'] / seconds['recipe']:.3f} of it; mean test"
        f" accuracy {accuracy['dlkit']:.3f} and {accuracy['recipe']:.3f}"
    )


if __name__ == "__main__":
    main()
