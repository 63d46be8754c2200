"""Size, accuracy and the latency of one row: SavedModel, ONNX Runtime and LiteRT side by side.

    python benchmarks/export_formats.py
    python benchmarks/export_formats.py --rounds 15

A small convolutional network is trained on scikit-learn's digits and exported in every format.
Each takes the raw image (8x8, uint8). The formats take turns, a round of calls each, after a round
that is not counted; the figure is the median of the rounds' mean time a call. All run with one
thread, in one process; `keras` is the compiled `predict_step`, without what `model.predict` adds.
"""

import argparse
import json
import os
import pathlib
import statistics
import tempfile
import time
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import onnxruntime
import sklearn.datasets
import tensorflow as tf

import dlkit as dk

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
RESULTS = pathlib.Path(__file__).parent / "results" / "export_formats.json"
QUANTIZED = ("float16", "dynamic", "int8")


def train():
    """Return a trained network, its data, and the raw images and labels of the test split."""
    digits = sklearn.datasets.load_digits()
    x, y = digits.images.astype("uint8"), digits.target
    data = dk.data.from_arrays(
        x[:1400], y[:1400], test=(x[1400:], y[1400:]), name="digits", batch_size=32, seed=0
    )
    model = dk.models.build("cnn", data, jit_compile=False, learning_rate=0.005, seed=0)
    model.fit(data.train, epochs=8, verbose=0)
    return model, data, x[1400:], y[1400:]


def keras_call(model, data):
    """Return a function of raw images that runs the model where it was trained."""
    compiled = tf.function(lambda raw: model.predict_step((data.preprocessing(raw),)))
    return lambda raw: compiled(tf.constant(raw)).numpy()


def saved_model_call(path):
    """Return a function that calls the signature as a Python server would."""
    loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures["serving_default"]
    # The signature does not keep alive what it was loaded from.
    return lambda raw, loaded=loaded: signature(image=tf.constant(raw))["predictions"].numpy()


def onnx_call(path):
    """Return a function that calls ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda raw: session.run(None, {"image": raw})[0]


def litert_call(path):
    """Return a function that calls LiteRT's interpreter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it moves to a package of its own
        interpreter = tf.lite.Interpreter(model_path=str(path), num_threads=1)
    run = interpreter.get_signature_runner()
    return lambda raw: run(image=raw)["predictions"]


def export(model, data, folder):
    """Return name -> (bytes, function of raw images) for every format."""
    version = dk.export.saved_model(model, folder / "digits", data)
    size = sum(f.stat().st_size for f in version.rglob("*") if f.is_file())
    onnx = dk.export.onnx(model, folder / "digits.onnx", data)
    sides = {
        "keras": (None, keras_call(model, data)),
        "saved_model": (size, saved_model_call(version)),
        "onnx": (onnx.stat().st_size, onnx_call(onnx)),
    }
    for quantize in (None, *QUANTIZED):
        path = dk.export.litert(model, folder / f"{quantize}.tflite", data, quantize=quantize)
        name = f"litert {quantize}" if quantize else "litert"
        sides[name] = (path.stat().st_size, litert_call(path))
    return sides


def time_calls(call, row, calls):
    """Return the mean microseconds of a call."""
    start = time.perf_counter()
    for _ in range(calls):
        call(row)
    return 1e6 * (time.perf_counter() - start) / calls


def main():
    """Export, score and time every format, print the table and keep the rounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=300)
    arguments = parser.parse_args()
    model, data, raw, labels = train()
    with tempfile.TemporaryDirectory() as folder:
        sides = export(model, data, pathlib.Path(folder))
        times = {name: [] for name in sides}
        for _ in range(arguments.rounds + 1):
            for name, (_, call) in sides.items():
                times[name].append(time_calls(call, raw[:1], arguments.calls))
        rows = []
        for name, (size, call) in sides.items():
            accuracy = float(np.mean(call(raw).argmax(axis=1) == labels))
            rows.append({"format": name, "bytes": size, "accuracy": accuracy})
            rows[-1] |= {"median_us": statistics.median(times[name][1:]), "us": times[name][1:]}
    print(f"{'format':<16} {'KB':>6} {'accuracy':>9} {'us a row':>9}")
    for row in rows:
        size = "" if row["bytes"] is None else f"{row['bytes'] / 1000:.0f}"
        print(f"{row['format']:<16} {size:>6} {row['accuracy']:>9.4f} {row['median_us']:>9.1f}")
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
