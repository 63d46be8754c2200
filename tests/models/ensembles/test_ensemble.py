"""`ensemble` as every builder is used: built for data, trained by a job, exported and served."""

import dataclasses
import json

import keras
import numpy as np
import onnxruntime
import pytest

import dlkit as dk
from dlkit.cli import jobs
from dlkit.cli.job import Job
from dlkit.export import litert, onnx
from dlkit.export.to_litert.files import run_litert
from dlkit.models.ensembles.ensemble import METHODS

X = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")


def test_a_beginner_gets_five_members_that_suit_the_data():
    model = dk.models.build("ensemble", dk.data.load("digits"), seed=0)
    assert [member.name for member in model.members] == [f"cnn_{i}" for i in range(1, 6)]
    assert isinstance(model.optimizer, keras.optimizers.AdamW)  # as each cnn would have
    assert model.output_shape == (None, 10)
    kernels = [member.get_weights()[0] for member in model.members]
    assert len({kernel.tobytes() for kernel in kernels}) == 5  # each has another seed
    model = dk.models.build("ensemble", dk.data.load("diabetes"), seed=0)
    assert {member.name.partition("_")[0] for member in model.members} == {"mlp"}
    predicted = model.predict(dk.data.load("diabetes").test.map(lambda x, y: x), verbose=0)
    assert 100 < predicted.mean() < 200  # in the unit of the targets


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns(method):
    data = dk.data.load("breast_cancer", batch_size=32, seed=0)
    options = {"members": [("mlp", {"units": (32,)})] * 2, "learning_rate": 0.005, "seed": 0}
    model = dk.models.build("ensemble", data, method=method, **options)
    model.fit(data.train, epochs=5, verbose=0)
    assert model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"] > 0.93


def test_a_job_trains_goes_on_evaluates_and_exports(tmp_path, monkeypatch):
    """What `dlkit train ensemble --data iris` and its like call, with a job file's own types."""
    monkeypatch.chdir(tmp_path)
    members = [["mlp", {"units": [8]}], "perceptron"]
    job = Job("ensemble", "iris", epochs=2, options={"members": members, "method": "stacking"})
    run = jobs.train_job(job, run="first")
    assert json.loads((run / "config.json").read_text())["config"]["options"]["members"] == members
    results = jobs.read_results(run)
    jobs.train_job(job, run="first")  # nothing is left to train
    assert jobs.evaluate_run(run) == results and 0 <= results["accuracy"] <= 1
    version = jobs.export_run(run)
    assert (version / "saved_model.pb").is_file()
    snapshots = {"members": "mlp", "method": "snapshot"}
    run = jobs.train_job(dataclasses.replace(job, options=snapshots), run="second")
    assert dk.models.load(run / "best.keras").combine.taken.numpy() == 1


def answers(model, tmp_path):
    """Return what an ONNX file, and a LiteRT file, of a model answer to `X`."""
    session = onnxruntime.InferenceSession(onnx(model, tmp_path / "m.onnx"))
    (taken,) = session.get_inputs()
    yield session.run(None, {taken.name: X})[0]
    content = litert(model, tmp_path / "m.tflite").read_bytes()
    (found,) = run_litert(content, [{taken.name: X}])
    yield next(iter(found.values()))


@pytest.mark.parametrize("method", ["boosting", "stacking", "snapshot"])
def test_what_makes_one_prediction_of_many_is_exported(method, tmp_path):
    """Averaging and bagging are among every builder's tests."""
    members = [("mlp", {"units": (4,)})] * 3
    model = dk.models.ensemble((6,), 3, members=members, method=method, seed=0, jit_compile=False)
    model.fit(X, np.arange(5) % 3, epochs=3, verbose=0)
    for found in answers(model, tmp_path):
        np.testing.assert_allclose(found, model.predict(X, verbose=0), atol=1e-5)


def test_members_see_the_ensembles_loss_options():
    model = dk.models.ensemble(
        *((6,), 2), task="multilabel", members="mlp,perceptron", loss="focal", label_smoothing=0.1
    )
    for loss in (model.loss, *(member.loss for member in model.members)):
        assert isinstance(loss, keras.losses.BinaryFocalCrossentropy)
        assert loss.label_smoothing == 0.1
