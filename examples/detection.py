"""Find white blood cells: boxes to a small detector, served for the bytes of JPEG files.

    DLKIT_DATA=/folder/of/the/data/sets python examples/detection.py

A detector in a few lines of plain Keras (Tian et al. 2019, FCOS, arXiv:1904.01355): each place of a
12 x 16 grid says whether it lies in a white cell's box, and how far that box's sides are.
"""

import keras
import numpy as np
import tensorflow as tf

import dlkit as dk

dk.training.set_seed(0)
augment = {"flip": 0.5, "shift": 0.1, "zoom": 0.1, "brightness": 0.2}
data = dk.data.load("blood_cells", image_size=(96, 128), batch_size=16, augment=augment)
data.show("cells.png", count=6, augmented=True)
white = data.class_names.index("WBC")
places = np.stack(np.meshgrid((np.arange(16) + 0.5) / 16, (np.arange(12) + 0.5) / 12), axis=-1)


def to_grid(images, targets):
    """Return (B, 12, 16, 5): in a box or not, and the way to its left, top, right and bottom."""
    low, high = tf.split(targets["boxes"][:, None, None], 2, axis=-1)  # (B, 1, 1, M, 2)
    ways = tf.concat([places[:, :, None] - low, high - places[:, :, None]], axis=-1)
    inside = (tf.reduce_min(ways, axis=-1) > 0) & (targets["classes"] == white)[:, None, None]
    way = tf.gather(ways, tf.argmax(tf.cast(inside, tf.int32), axis=-1), batch_dims=3)
    inside = tf.cast(tf.reduce_any(inside, axis=-1, keepdims=True), "float32")
    return images, tf.concat([inside, way], axis=-1)


def loss(y_true, y_pred):
    """Return the cross-entropy of being in a box, and in boxes the distance from the true ways."""
    inside = y_true[..., :1]
    distance = tf.reduce_mean(inside * tf.abs(y_true[..., 1:] - y_pred[..., 1:]), axis=-1)
    return keras.losses.binary_crossentropy(inside, y_pred[..., :1]) + 10 * distance


x = inputs = keras.Input(data.input_spec["image"].shape, name="image")
for filters, strides in ((16, 2), (32, 2), (64, 2), (64, 1), (64, 1)):
    x = keras.layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
model = keras.Model(inputs, keras.layers.Conv2D(5, 1, activation="sigmoid", name="grid")(x))
model.compile(keras.optimizers.Adam(dk.training.OneCycle(8e-3, 12 * len(data.train))), loss)
model.fit(data.train.map(to_grid), validation_data=data.val.map(to_grid), epochs=12, verbose=2)
grids = model.predict(data.test, verbose=0).reshape(-1, 12 * 16, 5)
surest = grids[..., 0].argmax(axis=1)
place, way = places.reshape(-1, 2)[surest], grids[np.arange(len(grids)), surest, 1:]
found = np.concatenate([place - way[:, :2], place + way[:, 2:]], axis=-1)
truth = {k: np.concatenate([y[k] for _, y in data.test]) for k in ("boxes", "classes")}
overlaps = keras.utils.bounding_boxes.compute_iou(found[:, None], truth["boxes"], "xyxy")[:, 0]
are_white = truth["classes"] == white
best = np.where(are_white, overlaps, 0).max(axis=1)[are_white.any(axis=1)].mean()
version = dk.export.saved_model(model, "exports/cells", data=data)
photo = tf.io.read_file(str(data.origin.paths[data.origin.split.test[0]]))
served = tf.saved_model.load(str(version)).signatures["image_bytes"](image_bytes=photo[None])
print(f"Intersection over union with a white cell: {best:.2f}")
np.testing.assert_allclose(np.reshape(served["grid"], (-1, 5)), grids[0], atol=1e-4)
assert best > 0.5, "the mean box of white cells reaches 0.17; the detector should reach 0.5"
