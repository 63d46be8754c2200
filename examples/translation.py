"""English to French in plain Keras: an encoder, a decoder, and attention between them.

    DLKIT_DATA=/path/to/data python examples/translation.py

Learns from short sentences (Tatoeba), is measured on sentences that it never saw, and is exported
with texts as its input (Bahdanau, Cho & Bengio 2015, arXiv:1409.0473).
"""

import tempfile

import keras
import numpy as np

import dlkit as dk

data = dk.data.load("fra_eng", max_pairs=6000, batch_size=32)
data.summary()
data.show("pairs.png")

keras.utils.set_random_seed(0)
words = {key: len(known) for key, known in data.vocabularies.items()}
inputs = {key: keras.Input(s.shape, dtype=s.dtype, name=key) for key, s in data.input_spec.items()}
x = keras.layers.Embedding(words["source"], 64)(inputs["source"])
# The last word first: the state then ends with the first one, where the translation begins.
x, state = keras.layers.GRU(64, return_sequences=True, return_state=True, go_backwards=True)(x)
y = keras.layers.Embedding(words["target"], 64)(inputs["target"])
y = keras.layers.GRU(64, return_sequences=True)(y, initial_state=state)
y = keras.layers.Concatenate()([y, keras.layers.Attention()([y, x])])
following = keras.layers.Dense(words["target"], activation="softmax", name="following")(y)
model = keras.Model(inputs, following)
model.compile(
    keras.optimizers.Adam(1e-2),
    "sparse_categorical_crossentropy",
    weighted_metrics=["accuracy"],  # of tokens, without the padding
)
model.fit(data.train, validation_data=data.val, epochs=3, verbose=2)
accuracy = model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]

sentences = ["I'm cold.", "Are you sure?", "Tom is sad."]
translations = dk.data.translate(model, data, sentences)
print("\n".join(f"{one} -> {other}" for one, other in zip(sentences, translations, strict=True)))

with tempfile.TemporaryDirectory() as exports:
    version = dk.export.saved_model(model, f"{exports}/french", data=data)
    with dk.serving.Server(version.parent, rest_port=0) as server:
        so_far = {"source": ["I'm cold."], "target": ["j'ai"]}
        ((*_, chances),) = dk.serving.Client(server.url).predict(so_far)[:, :3]
print(f'After "j\'ai" comes "{data.class_names[np.argmax(chances)]}" ({chances.max():.0%}).')

# The most frequent token of each place is right for 29% of the tokens.
print(f"Test accuracy {accuracy:.1%} of the tokens")
assert accuracy > 0.60, "a network that reads the source should reach 60%"
