"""Spoken digits: from WAV files to a served model that is sent a recording (20 s on 2 cores).

    DLKIT_DATA=/folder/of/the/data/sets python examples/audio.py

Sounds of your own need one sub-folder a class: `dk.data.from_audio_folder("my_sounds")`.
"""

import argparse
import pathlib
import tempfile

import tensorflow as tf

import dlkit as dk
from dlkit.data.audio import sources
from dlkit.data.catalogue import cache

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=6)
options = parser.parse_args()

data = dk.data.load("spoken_digits", augment="light", batch_size=32)
data.summary()
data.show("spoken_digits.png", count=9, augmented=True)

schedule = dk.training.OneCycle(4e-3, options.epochs * len(data.train))
model = dk.models.build("cnn", data, filters=(16, 32, 32), seed=0, learning_rate=schedule)
model.fit(data.train, validation_data=data.val, epochs=options.epochs, verbose=2)
accuracy = model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]

# A recording of the test split, as a client has it: the bytes of its file.
folder = cache.unpack_published(sources.SPOKEN_DIGITS)
recording = next(folder.glob("*/recordings/7_theo_0.wav")).read_bytes()
with tempfile.TemporaryDirectory() as exports:
    version = dk.export.saved_model(model, pathlib.Path(exports, "digits"), data=data)
    served = tf.saved_model.load(version).signatures["audio_bytes"]
    (probabilities,) = served(audio_bytes=tf.constant([recording])).values()
heard = data.class_names[int(tf.argmax(probabilities[0]))]

print(f"Test accuracy {accuracy:.1%}; the recording of a seven was heard as {heard}")
assert accuracy > 0.85, "one digit in ten is right by chance; a network should reach 85%"
assert heard == "7"
