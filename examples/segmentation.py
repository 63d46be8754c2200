"""Find digits pixel by pixel: scenes of handwritten ones in noise to a U-Net, read from its export.

Each scene holds four of scikit-learn's digits on 32 x 32 pixels; the class of a pixel is the digit
whose ink it is, or 10 for paper. No pixel says by itself which digit it belongs to, so that the
network has to see what is around it (Ronneberger et al. 2015, arXiv:1505.04597).
"""

import numpy as np
import sklearn.datasets
import tensorflow as tf

import dlkit as dk

PAPER = 10
dk.training.set_seed(0)
images, kinds = sklearn.datasets.load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8) / 16


def make_scenes(rows, count, rng):
    """Return images (count, 32, 32, 1) and the class of each of their pixels (count, 32, 32)."""
    scenes = np.zeros((count, 32, 32), "float32")
    classes = np.full((count, 32, 32), PAPER)
    for scene, of_pixels in zip(scenes, classes, strict=True):
        for top, left in ((0, 0), (0, 16), (16, 0), (16, 16)):
            digit = rng.choice(rows)
            top, left = top + rng.integers(8), left + rng.integers(8)
            place = np.s_[top : top + 8, left : left + 8]
            scene[place] = images[digit]
            of_pixels[place] = np.where(images[digit] > 0.25, kinds[digit], PAPER)
    return (scenes + rng.normal(0, 0.1, scenes.shape).astype("float32"))[..., None], classes


rng = np.random.default_rng(0)
x, y = make_scenes(np.arange(1400), 1600, rng)
test_x, test_y = make_scenes(np.arange(1400, len(images)), 200, rng)  # by other writers

EPOCHS, BATCH = 8, 32
rate = dk.training.OneCycle(5e-3, EPOCHS * len(x) // BATCH)
model = dk.models.unet((32, 32, 1), 11, filters=(16, 32, 64), learning_rate=rate, seed=0)
model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, validation_data=(test_x, test_y), verbose=2)
score = model.evaluate(test_x, test_y, verbose=0, return_dict=True)["mean_io_u"]

version = dk.export.saved_model(model, "exports/scenes")
served = tf.saved_model.load(str(version)).signatures["serving_default"]
found = next(iter(served(tf.constant(test_x[:1])).values())).numpy()[0].argmax(axis=-1)
for row in found[:16, :16]:
    print("".join("." if kind == PAPER else str(kind) for kind in row))
print(f"Mean intersection over union of 10 digits and paper: {score:.3f}")
assert score > 0.65, "calling each pixel paper reaches 0.08; the network should reach 0.65"
