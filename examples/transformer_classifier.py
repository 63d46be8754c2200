"""Spam in text messages by a Transformer that reads all words at once, served to messages (30 s).

    DLKIT_DATA=/folder/of/the/data/sets python examples/transformer_classifier.py

With `attention="linear"` or `"sliding_window"` the same network reads texts of thousands of tokens.
"""

import tempfile

import numpy as np

import dlkit as dk

EPOCHS = 3

data = dk.data.load("sms_spam", tokens="bpe", vocabulary_size=2000, length=48)
schedule = dk.training.OneCycle(4e-3, EPOCHS * len(data.train))
options = {"depth": 1, "learning_rate": schedule, "jit_compile": False, "seed": 0}
model = dk.models.build("transformer_classifier", data, **options)
model.summary()
model.fit(data.train, validation_data=data.val, epochs=EPOCHS, verbose=2)
accuracy = model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]

# Much the same words, and a short message beside longer ones.
messages = ["Call now to claim your free prize of 2000 pounds", "I will call you now", "Ok lor"]
with tempfile.TemporaryDirectory() as exports:
    version = dk.export.saved_model(model, f"{exports}/spam", data=data)
    with dk.serving.Server(version.parent, rest_port=0) as server:
        client = dk.serving.Client(server.url)
        chances = client.predict(messages)[:, 0]
        (alone,) = client.predict(messages[2:])[:, 0]
for message, chance in zip(messages, chances, strict=True):
    print(f"{chance:.1%} spam: {message}")

# "No spam" is always right for 86.6% of the messages.
print(f"Test accuracy {accuracy:.1%}")
assert accuracy > 0.975, "attention among all words should reach 97.5%"
assert chances[0] > 0.5 > max(chances[1:])
np.testing.assert_allclose(alone, chances[2], atol=1e-5)  # whatever stands beside it
