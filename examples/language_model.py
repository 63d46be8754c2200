"""A small GPT that writes like Shakespeare, character by character (half a minute on 2 cores).

    DLKIT_DATA=/folder/of/the/data/sets python examples/language_model.py

Text of your own: `dk.data.from_text_file("book.txt", window=128)`. At its defaults (four blocks of
128 units) `gpt` reaches a loss of 1.5 in ten CPU minutes (Radford et al. 2019, GPT-2).
"""

import argparse
import json
import tempfile
import urllib.request

import numpy as np

import dlkit as dk

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=1)
options = parser.parse_args()

data = dk.data.load("tiny_shakespeare", batch_size=32)
data.summary()

# The baseline: how often each character followed each other one in the training text.
pairs = np.ones((data.num_classes, data.num_classes))
for x, y in data.train:
    np.add.at(pairs, (x.numpy(), y.numpy()), 1)
chances = pairs / pairs.sum(axis=1, keepdims=True)
baseline = np.mean([-np.log(chances[x.numpy(), y.numpy()]).mean() for x, y in data.test])

rate = dk.training.OneCycle(1e-2, options.epochs * len(data.train))
size = {"hidden_dim": 64, "depth": 2, "num_heads": 2}
model = dk.models.build("gpt", data, learning_rate=rate, seed=0, **size)
model.fit(data.train, validation_data=data.val, epochs=options.epochs, verbose=2)
loss = model.evaluate(data.test, verbose=0, return_dict=True)["loss"]
print(dk.data.generate(model, data, ["ROMEO:\n"], 100, temperature=0.7, seed=0)[0])

# The export writes on as well: texts in, texts out.
request = {"length": 40, "temperature": 0.7, "top_k": 0, "top_p": 1.0, "seed": 1}
with tempfile.TemporaryDirectory() as exports:
    version = dk.export.saved_model(model, f"{exports}/shakespeare", data=data)
    with dk.serving.Server(version.parent, rest_port=0) as server:
        rows = [{"text": "JULIET:\n", **request}]
        body = {"signature_name": "generate", "instances": rows}
        asked = urllib.request.Request(f"{server.url}:predict", json.dumps(body).encode())
        with urllib.request.urlopen(asked) as answer:
            print(json.loads(answer.read())["predictions"][0])

print(f"Test loss {loss:.2f} nats a character; by counts of pairs {baseline:.2f}")
assert loss < baseline - 0.2, "a network that looks further back should gain 0.2"
