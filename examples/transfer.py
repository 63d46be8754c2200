"""Flowers by transfer: a network that knows ImageNet, a new head, and then some of its layers.

    DLKIT_DATA=/folder/of/the/data/sets python examples/transfer.py

Where there is internet, `--backbone MobileNetV2 --weights imagenet`, or another of
`keras.applications`, is better than the smallest MobileNet, whose weights DLKIT_DATA holds.
"""

import argparse
import os
import pathlib

import dlkit as dk

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--folder", help="class folders of photos; by default flowers")
parser.add_argument("--backbone", default="MobileNet")
parser.add_argument("--weights", help="imagenet, or a file")
options = parser.parse_args()

settings = {"backbone": options.backbone, "weights": options.weights}
if options.weights is None:
    folder = pathlib.Path(os.environ["DLKIT_DATA"], "weights")
    settings |= {"weights": folder / "mobilenet_2_5_224_tf_no_top.h5", "alpha": 0.25}


def load(augment):
    """Return the photos at the size that the network was trained on, the same splits each time."""
    choices = {"image_size": (224, 224), "batch_size": 32, "augment": augment}
    if options.folder:
        return dk.data.from_image_folder(options.folder, **choices)
    return dk.data.load("flowers", **choices)


# Without augmentation a photo's features are the same in each epoch: `fit` computes them once.
data = load(augment=None)
model = dk.models.build("transfer", data, seed=0, **settings)
model.fit(data.train, validation_data=data.val, epochs=10, verbose=2)
frozen = model.evaluate(data.test, return_dict=True)["accuracy"]

# Then the last four layers of the backbone learn as well, more slowly, from changed photos.
data = load(augment="light")
dk.models.fine_tune(model, layers=4, learning_rate=1e-4)
model.fit(data.train, validation_data=data.val, epochs=2, verbose=2)
tuned = model.evaluate(data.test, return_dict=True)["accuracy"]

version = dk.export.saved_model(model, "exports/transfer", data=data)
print(f"Test accuracy {frozen:.1%} frozen, {tuned:.1%} fine-tuned; raw pixels go to {version}")
assert min(frozen, tuned) > 0.75
