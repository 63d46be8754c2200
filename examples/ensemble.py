"""Five small networks as one: digits, and each member beside their mean (half a minute)."""

import numpy as np

import dlkit as dk

data = dk.data.load("digits", augment=None, batch_size=32, seed=0)
model = dk.models.build(
    "ensemble",
    data,
    members=("cnn", {"filters": (16, 32), "units": (32,)}),  # five of it, each with another seed
    method="averaging",  # or bagging, boosting, stacking, snapshot
    learning_rate=0.005,
    seed=0,
)
model.fit(data.train, validation_data=data.val, epochs=8, verbose=2)

images = data.test.map(lambda image, label: image)
labels = np.concatenate([label for _, label in data.test.as_numpy_iterator()])
scores = {
    one.name: np.mean(one.predict(images, verbose=0).argmax(axis=1) == labels)
    for one in (*model.members, model)
}
for name, accuracy in scores.items():
    print(f"{name:10} {accuracy:.1%}")
accuracy = scores.pop("ensemble")
assert accuracy > 0.96, "this ensemble should read at least 96% of the digits"
assert accuracy >= np.mean(list(scores.values())), "it should be no worse than its members are"
