"""Spoken digits by dilated causal convolutions, to a model that is given a recording (30 s).

    DLKIT_DATA=/folder/of/the/data/sets python examples/temporal_cnn.py

A spectrogram is read moment by moment; how far back the last one looks follows from the blocks.
"""

import pathlib
import tempfile

import tensorflow as tf

import dlkit as dk
from dlkit.data.audio import sources
from dlkit.data.catalogue import cache
from dlkit.models.sequence.temporal_convolutional import receptive_field

EPOCHS, FILTERS = 8, (64, 64, 64)

data = dk.data.load("spoken_digits", augment="light")
data.summary()
moments = data.input_spec["audio"].shape[0]
seen = receptive_field(len(FILTERS), kernel_size=3)
print(f"Each of {moments} moments is told by the {seen} up to it, {seen * 16} ms of sound")

schedule = dk.training.OneCycle(4e-3, EPOCHS * len(data.train))
model = dk.models.build("temporal_cnn", data, filters=FILTERS, learning_rate=schedule, seed=0)
model.fit(data.train, validation_data=data.val, epochs=EPOCHS, verbose=2)
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
assert accuracy > 0.93, "convolutions over time should reach 93%"
assert heard == "7"
