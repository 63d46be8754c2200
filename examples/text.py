"""Spam in text messages: from a table of texts to a served model that is sent a message (25 s).

    DLKIT_DATA=/folder/of/the/data/sets python examples/text.py

Texts of your own need one sub-folder a class, `dk.data.from_text_folder("my_texts")`, or a table,
`dk.data.from_text_table("my_texts.csv", "text", label_column="label")`.
"""

import tempfile

import numpy as np

import dlkit as dk

# A number for each word of training: frequent in this message, rare in the others (tf-idf).
data = dk.data.load("sms_spam", encoding="tf_idf", augment="light")
data.summary()
data.show("messages.png", count=6, augmented=True)

model = dk.models.build("perceptron", data, seed=0, learning_rate=0.02)
model.fit(data.train, validation_data=data.val, epochs=5, verbose=2)
accuracy = model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]

# One weight a word is a model that can be read.
weights = model.get_layer("predictions").get_weights()[0][:, 0]
print("Words of spam:", ", ".join(data.vocabulary[i] for i in np.argsort(-weights)[:8]))

messages = [
    "URGENT! You have won a free prize, call now to claim it",
    "Running late, see you at home after lunch",
]
with tempfile.TemporaryDirectory() as exports:
    version = dk.export.saved_model(model, f"{exports}/spam", data=data)
    with dk.serving.Server(version.parent, rest_port=0) as server:
        chances = dk.serving.Client(server.url).predict(messages)[:, 0]
for message, chance in zip(messages, chances, strict=True):
    print(f"{chance:.0%} spam: {message}")

# "No spam" is always right for 86.6% of the messages.
print(f"Test accuracy {accuracy:.1%}")
assert accuracy > 0.97, "one weight a word should reach 97%"
assert chances[0] > 0.5 > chances[1]
