"""An earlier dlkit, with an export of its own: `python former_dlkit.py PORT RUNTIME`."""

import inspect
import os
import pathlib
import signal
import sys
import tempfile

import keras

import dlkit as dk

port, runtime = int(sys.argv[1]), sys.argv[2]
model = keras.models.load_model(pathlib.Path(os.environ["MODEL"]).parents[1] / "clothes.keras")
asked = inspect.signature(dk.export.saved_model).parameters
options = {"join_requests": True} if "join_requests" in asked else {}
with tempfile.TemporaryDirectory() as folder:
    base = pathlib.Path(folder, "clothes")
    dk.export.saved_model(model, base, runtimes=("onnx",), **options)
    with dk.serving.Server(base, rest_port=port, runtime=runtime):
        signal.sigwait({signal.SIGTERM})
