"""Spam in text messages, read in order by a recurrent network, served to messages (35 s).

    DLKIT_DATA=/folder/of/the/data/sets python examples/recurrent.py

Parts of words are what it reads, so that it knows a number that it has never seen for a number.
"""

import tempfile

import dlkit as dk

EPOCHS = 3

data = dk.data.load("sms_spam", tokens="bpe", vocabulary_size=2000)
data.summary()

schedule = dk.training.OneCycle(4e-3, EPOCHS * len(data.train))
model = dk.models.build("rnn", data, learning_rate=schedule, jit_compile=False, seed=0)
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
assert accuracy > 0.975, "a network that reads in order should reach 97.5%"
assert chances[0] > 0.5 > max(chances[1:])
assert abs(alone - chances[2]) < 1e-5, "a message's answer is its own, whatever stands beside it"
