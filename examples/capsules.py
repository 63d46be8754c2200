"""Capsules: digits by the vectors of their classes, and what these vectors draw (about a minute).

The small network is for digits of 8 x 8 pixels; at its defaults `capsnet` is the paper's, for
28 x 28.
"""

import numpy as np

import dlkit as dk

EPOCHS = 15

data = dk.data.load("digits", batch_size=32, seed=0)
steps = EPOCHS * len(data.train)
model = dk.models.build(
    "capsnet",
    data,
    filters=32,
    kernel_size=3,
    primary_capsules=8,
    units=(128,),
    learning_rate=dk.training.OneCycle(4e-3, steps),
    seed=0,
)
model.fit(data.train, validation_data=data.val, epochs=EPOCHS, verbose=2)

images, labels = next(iter(data.test))
for row in np.concatenate([images[0], model.reconstruct(images[:1])[0]], axis=1)[..., 0]:
    print("".join(" .:-=+*#%@"[int(9 * np.clip(value, 0, 1))] for value in row))
accuracy = model.evaluate(data.test, return_dict=True)["accuracy"]
print(f"A {labels[0]}, and what its capsule draws. Test accuracy: {accuracy:.1%}")
assert accuracy > 0.95, "this network should read at least 95% of the digits"
