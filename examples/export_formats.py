"""One trained classifier of handwritten digits in four files, each asked for the same raw image.

    python examples/export_formats.py

Needs: pip install "dlkit[onnx]"
"""

import numpy as np
import onnxruntime

import dlkit as dk

data = dk.data.load("digits", batch_size=32, seed=0)
model = dk.models.build("cnn", data, filters=(16, 32), learning_rate=0.005, seed=0)
model.fit(data.train, epochs=5, verbose=2)

# Each is compared with the model before it appears, and takes the image as a client has it.
version = dk.export.saved_model(model, "exports/digits", data)
onnx = dk.export.onnx(model, "exports/digits.onnx", data)
litert = dk.export.litert(model, "exports/digits.tflite", data)
int8 = dk.export.litert(model, "exports/digits-int8.tflite", data, quantize="int8")
for path in (onnx, litert, int8):
    print(f"{path.name}: {path.stat().st_size:,} bytes")

# ONNX Runtime needs neither TensorFlow nor Keras nor dlkit.
images, labels = data.examples
(probabilities,) = onnxruntime.InferenceSession(onnx).run(None, {"image": images})
accuracy = np.mean(probabilities.argmax(axis=1) == labels)
print(f"{accuracy:.0%} of {len(labels)} test images right")
assert accuracy > 0.85, "the target of this example"
assert int8.stat().st_size < litert.stat().st_size / 2
