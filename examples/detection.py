"""Find blood cells: boxes to a detector, served for the bytes of JPEG files.

    DLKIT_DATA=/folder/of/the/data/sets python examples/detection.py

For each place of a 24 x 32 map the detector tells whether the middle of a cell lies there, of which
kind, and how far its edges are away (Zhou et al. 2019, Objects as Points, arXiv:1904.07850).
"""

import numpy as np
import tensorflow as tf

import dlkit as dk

dk.training.set_seed(0)
augment = {"flip": 0.5, "shift": 0.1, "zoom": 0.1, "brightness": 0.2}
size = {"image_size": (96, 128), "batch_size": 16, "cache": True}
data = dk.data.load("blood_cells", augment=augment, **size)
data.show("cells.png", count=6, augmented=True)

EPOCHS = 16
rate = dk.training.OneCycle(4e-3, EPOCHS * len(data.train))
model = dk.models.build("detector", data, learning_rate=rate, seed=0)
model.fit(data.train, validation_data=data.val, epochs=EPOCHS, verbose=2)
precision = model.evaluate(data.test, verbose=0, return_dict=True)["mean_average_precision"]

version = dk.export.saved_model(model, "exports/cells", data=data)
photo = tf.io.read_file(str(data.origin.paths[data.origin.split.test[0]]))
served = tf.saved_model.load(str(version)).signatures["image_bytes"](image_bytes=photo[None])
boxes, classes, scores = (served[name][0].numpy() for name in ("boxes", "classes", "scores"))
for box, kind, score in zip(boxes[scores > 0.3], classes, scores, strict=False):
    print(f"{data.class_names[kind]:9} {score:.2f} at {np.round(box, 2)}")
print(f"Mean average precision at 0.5: {precision:.3f}")
found = model.predict(data.test, verbose=0)
np.testing.assert_allclose(scores, found["scores"][0], atol=1e-4)
assert precision > 0.75, "a detector of these cells should reach 0.75"
