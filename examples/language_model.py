"""A network that writes like Shakespeare, character by character (a minute on 2 cores).

    DLKIT_DATA=/folder/of/the/data/sets python examples/language_model.py

Text of your own: `dk.data.from_text_file("book.txt", window=128)`. Convolutions that look back only
stand in for recurrence (WaveNet: van den Oord et al. 2016, arXiv:1609.03499).
"""

import argparse
import tempfile

import keras
import numpy as np

import dlkit as dk

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=4)
options = parser.parse_args()

data = dk.data.load("tiny_shakespeare", batch_size=32)
data.summary()

# The baseline: how often each character followed each other one in the training text.
pairs = np.ones((data.num_classes, data.num_classes))
for x, y in data.train:
    np.add.at(pairs, (x.numpy(), y.numpy()), 1)
chances = pairs / pairs.sum(axis=1, keepdims=True)
baseline = np.mean([-np.log(chances[x.numpy(), y.numpy()]).mean() for x, y in data.test])

keras.utils.set_random_seed(0)
ids = keras.Input((None,), dtype="int64")
x = keras.layers.Embedding(data.num_classes, 64)(ids)
for step in (1, 2, 4):  # each layer sees three characters, or three of the layer below
    z = keras.layers.Conv1D(64, 3, dilation_rate=step, padding="causal", activation="relu")(x)
    x = keras.layers.Concatenate()([x, z])
x = keras.layers.Dense(data.num_classes, activation="softmax", name="predictions")(x)
model = keras.Model(ids, x)
model.compile(keras.optimizers.Adam(4e-3), "sparse_categorical_crossentropy")
model.fit(data.train, validation_data=data.val, epochs=options.epochs, verbose=2)
loss = model.evaluate(data.test, verbose=0)

# The export takes texts and answers with what may follow each character.
text, random = "ROMEO:\n", np.random.default_rng(0)
with tempfile.TemporaryDirectory() as exports:
    version = dk.export.saved_model(model, f"{exports}/shakespeare", data=data)
    with dk.serving.Server(version.parent, rest_port=0) as server:
        client = dk.serving.Client(server.url)
        while len(text) < 200:
            following = client.predict([text])[0, -1].astype("float64") ** 1.5  # less daring
            text += data.vocabulary[random.choice(len(following), p=following / following.sum())]
print(text)

print(f"Test loss {loss:.2f} nats a character; by counts of pairs {baseline:.2f}")
assert loss < baseline - 0.3, "a network that looks further back should gain 0.3"
