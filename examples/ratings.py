"""Which film next? A recommender in plain Keras, from 100,000 ratings.

    DLKIT_DATA=/path/to/data python examples/ratings.py

A rating is a mean, a user's and a film's own part, and how well their tastes fit (Koren, Bell &
Volinsky 2009, IEEE Computer 42(8)). The export takes users and films by their numbers in the file.
"""

import tempfile

import keras
import numpy as np

import dlkit as dk

data = dk.data.load("movielens", batch_size=512)
data.summary()
data.show("ratings.png")

keras.utils.set_random_seed(0)
inputs = {role: keras.Input((), dtype="int32", name=role) for role in ("user", "item")}
tastes, parts = [], []
for role, number in inputs.items():
    known = len(data.vocabularies[role])
    # Small, so that a new user or film, number 0, is answered with what is known of the other.
    small = keras.initializers.RandomNormal(stddev=0.05)
    tastes.append(keras.layers.Embedding(known, 16, small)(number))
    parts.append(keras.layers.Embedding(known, 1, "zeros")(number))
total = keras.layers.Add()([keras.layers.Dot(-1)(tastes), *parts])
mean = keras.initializers.Constant(3.5)
rating = keras.layers.Dense(1, kernel_initializer="ones", bias_initializer=mean, name="rating")
model = keras.Model(inputs, rating(total))
error = keras.metrics.RootMeanSquaredError(name="error")
model.compile(keras.optimizers.AdamW(2e-3, weight_decay=0.1), "mse", metrics=[error])
model.fit(data.train, validation_data=data.val, epochs=4, verbose=2)
error = model.evaluate(data.test, verbose=0, return_dict=True)["error"]

seen = data.origin.raw(data.origin.split.kept)
films = np.setdiff1d(seen["item"], seen["item"][seen["user"] == 42])
with tempfile.TemporaryDirectory() as exports:
    version = dk.export.saved_model(model, f"{exports}/films", data=data)
    with dk.serving.Server(version.parent, rest_port=0) as server:
        client = dk.serving.Client(server.url)
        stars = client.predict({"user": np.full(len(films), 42), "item": films})[:, 0]
best = films[stars.argsort()[::-1][:5]]

print(f"Test error {error:.3f} stars; user 42 may like the films {best.tolist()}")
assert error < 0.90, "the user's and the film's mean are off by 0.92; a network should reach 0.90"
assert stars.max() > 4.0
