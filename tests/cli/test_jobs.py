"""The steps of the main job as functions: what they keep, and that a job decides its weights."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_iris

import dlkit as dk
from dlkit.cli import jobs
from dlkit.cli.job import Job
from dlkit.data.image import sources
from dlkit.errors import InputError
from tests.cli import command_line

# Everything random takes part: order of the data, augmentation, initial weights, dropout.
JOB = Job(
    "mlp",
    "digits",
    epochs=2,
    batch_size=128,
    seed=3,
    options={"units": (16,), "dropout": 0.2, "jit_compile": False},
)


def weights_of(path):
    """Return what a saved model holds: weights, statistics, the optimizer's state."""
    model = keras.saving.load_model(path)
    return [v.numpy() for v in (*model.weights, *model.optimizer.variables)]


def equal(first, second):
    return len(first) == len(second) and all(map(np.array_equal, first, second))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The run of JOB."""
    return jobs.train_job(JOB, base=tmp_path_factory.mktemp("runs"))


def test_one_seed_gives_the_same_weights(trained, tmp_path):
    again = jobs.train_job(JOB, run="again", base=tmp_path)
    assert equal(weights_of(trained / "best.keras"), weights_of(again / "best.keras"))
    assert (trained / "history.csv").read_bytes() == (again / "history.csv").read_bytes()
    assert jobs.read_results(trained) == jobs.read_results(again)


@pytest.mark.usefixtures("shared_data")
def test_the_datas_options_go_with_the_job(tmp_path):
    options = {"encoding": "multi_hot", "vocabulary_size": 300, "val_fraction": 0}
    job = Job("perceptron", "sms_spam", epochs=1, data_options=options)
    run = jobs.train_job(job, base=tmp_path)
    assert jobs.find_run(run) == dataclasses.replace(job, batch_size=64)
    assert jobs.open_run(run)[1].input_shape == (None, 300)
    assert "val_loss" not in (run / "history.csv").read_text()
    assert jobs.evaluate_run(run) == pytest.approx(jobs.read_results(run))
    assert jobs.read_results(run)["accuracy"] > 0.88  # always "ham": 0.866


def test_a_regression_starts_at_the_mean_of_its_targets(tmp_path):
    """Disease scores of 25 to 346: two epochs from 0 end about 150 off."""
    job = Job("mlp", "diabetes", epochs=2, batch_size=32, options={"units": (16,)})
    run = jobs.train_job(job, base=tmp_path)
    data = job.load_data()
    targets = data.origin.targets.values
    mean = targets[data.origin.split.train].mean()
    always = np.abs(targets[data.origin.split.test] - mean).mean()
    assert jobs.read_results(run)["mae"] < 1.1 * always < 80


@pytest.mark.parametrize("schedule", ["constant", "one_cycle"])
def test_a_script_makes_the_same_network_as_the_command(tmp_path, schedule):
    job = Job("mlp", "diabetes", epochs=2, batch_size=32, seed=5, schedule=schedule)
    job = dataclasses.replace(job, options={"units": [16], "dropout": 0.2})
    trained = jobs.open_run(jobs.train_job(job, base=tmp_path))[1]

    dk.training.set_seed(5)
    data = dk.data.load("diabetes", batch_size=32, seed=5)
    model = dk.models.build("mlp", data, units=(16,), dropout=0.2, seed=5)
    if schedule == "one_cycle":
        peak = 4 * float(model.optimizer.learning_rate)
        model.optimizer.learning_rate = dk.training.OneCycle(peak, 2 * len(data.train))
    watching = dk.training.callbacks(tmp_path / "script", data=data)
    model.fit(data.train, validation_data=data.val, epochs=2, callbacks=watching, verbose=0)
    script = dk.models.load(tmp_path / "script" / "best.keras")
    layers = [[type(layer) for layer in found.layers] for found in (trained, script)]
    assert layers[0] == layers[1]
    assert trained.get_compile_config()["loss"] == script.get_compile_config()["loss"]
    predictions = [found.predict(data.test, verbose=0) for found in (trained, script)]
    np.testing.assert_array_equal(*predictions)


def test_another_seed_gives_other_weights(trained, tmp_path):
    other = jobs.train_job(dataclasses.replace(JOB, seed=4), base=tmp_path)
    for first, second in zip(
        weights_of(trained / "best.keras")[:4], weights_of(other / "best.keras")[:4], strict=True
    ):
        assert first.shape == second.shape
        assert not np.array_equal(first, second)


def test_killed_and_started_again_it_ends_with_the_same_weights(tmp_path, capsys):
    """SIGKILL at any moment of `dlkit train`; the same job, in another process, goes on."""
    job = dataclasses.replace(JOB, epochs=20)
    arguments = ["train", "mlp", "--data", "digits", "--epochs", 20, "--batch-size", 128]
    arguments += ["--seed", 3, "--run", "killed", "--set", "units=(16,)", "--set", "dropout=0.2"]
    arguments += ["--set", "jit_compile=False"]
    process = command_line.start(*arguments, cwd=tmp_path)
    run = tmp_path / "runs" / "killed"

    def epochs_done():
        history = run / "history.csv"
        return len(history.read_text().splitlines()) > 3 if history.exists() else 0

    command_line.wait_until(epochs_done, process, "the third epoch")
    with pytest.raises(InputError, match=f"killed is being trained by process {process.pid}; wait"):
        jobs.train_job(job, run="killed", base=run.parent)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    assert not (run / "results.json").exists()
    before = len((run / "history.csv").read_text().splitlines()) - 1
    assert 3 <= before < 20

    jobs.train_job(job, run="killed", base=run.parent)
    whole = jobs.train_job(job, run="whole", base=tmp_path / "other")
    assert equal(weights_of(run / "best.keras"), weights_of(whole / "best.keras"))
    assert (run / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()
    # The first epochs were not trained again.
    printed = capsys.readouterr().out
    assert "Epoch 1/20" not in printed.split("whole")[0]
    assert "Epoch 20/20" in printed.split("whole")[0]


def test_an_interrupted_training_says_how_to_go_on_and_is_told_to_be_unfinished(tmp_path, capsys):
    arguments = ["train", "mlp", "--data", "digits", "--epochs", 500, "--run", "early"]
    process = command_line.start(*arguments, cwd=tmp_path, stderr=subprocess.PIPE)
    run = tmp_path / "runs" / "early"
    command_line.wait_until((run / "resume.npz").exists, process, "the first epoch")
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    kept = re.search(r"Interrupted; (\d+) of 500 epochs are kept\. .* with --run early\.", told)[1]
    assert "Traceback" not in told

    unfinished = f"The run {run} is unfinished: its best model is of {kept} of 500 epochs."
    jobs.evaluate_run(run)
    assert unfinished in capsys.readouterr().err
    version = jobs.export_run(run, tmp_path / "m")
    assert unfinished in capsys.readouterr().err
    notes = json.loads((version / "assets.extra/model_card.json").read_text())["notes"]
    assert notes["unfinished"] == f"{kept} of 500 epochs"


def test_a_finished_run_is_not_told_to_be_unfinished(trained, tmp_path, capsys):
    jobs.evaluate_run(trained)
    assert jobs.tell_unfinished(trained, JOB) is None
    still = {"learning_rate": 1e-12}  # no epoch is better than the first
    job = Job("perceptron", "iris", 40, batch_size=64, schedule="constant", options=still)
    stopped = jobs.train_job(job, base=tmp_path)
    assert len(dk.training.load_history(stopped)["loss"]) < 40
    jobs.evaluate_run(stopped)
    (stopped / "resume.npz").unlink()  # a run may be tidied up
    jobs.evaluate_run(stopped)
    assert capsys.readouterr().err == ""


def test_the_run_holds_what_belongs_to_it(trained):
    record = json.loads((trained / "config.json").read_text())
    assert Job(**record["config"]) == dataclasses.replace(
        JOB, options={**JOB.options, "units": [16]}
    )
    assert record["seed"] == 3
    history = dk.training.load_history(trained)
    assert history["epoch"] == [0, 1]
    assert set(history) == {"epoch", "accuracy", "loss", "val_accuracy", "val_loss"}
    assert list((trained / "tensorboard").rglob("events.out.tfevents.*"))
    assert re.fullmatch(r"mlp-digits-\d{8}-\d{6}-[0-9a-f]{4}", trained.name)


def test_two_runs_without_a_name_have_directories_of_their_own():
    assert len({jobs._fresh_name(JOB) for _ in range(8)}) == 8


def test_the_one_cycle_spans_the_whole_training():
    data = JOB.load_data()
    rate = JOB.build_model(data).optimizer._learning_rate
    batches = len(list(data.train))
    assert rate.total_steps == 2 * batches
    assert rate.peak == pytest.approx(4 * 0.001)  # four times adam's own
    pairs = dataclasses.replace(JOB, options={"gradient_accumulation_steps": 2})
    assert pairs.build_model(data).optimizer._learning_rate.total_steps == batches
    chosen = dataclasses.replace(JOB, options={"learning_rate": 0.02})
    assert chosen.build_model(data).optimizer._learning_rate.peak == pytest.approx(0.02)
    constant = dataclasses.replace(JOB, schedule="constant")
    assert float(constant.build_model(data).optimizer.learning_rate) == pytest.approx(0.001)


def test_results_are_those_of_the_test_split_by_hand(tmp_path):
    """Iris, its fifth held out: probabilities from NumPy alone."""
    job = Job("perceptron", "iris", epochs=3, batch_size=16)
    run = jobs.train_job(job, run="iris", base=tmp_path)
    kernel, bias = keras.saving.load_model(run / "best.keras").get_weights()
    data = job.load_data()
    x, y = (np.concatenate(part) for part in zip(*data.test.as_numpy_iterator(), strict=True))
    logits = x @ kernel + bias
    logits -= logits.max(axis=1, keepdims=True)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    results = jobs.read_results(run)
    assert results["accuracy"] == pytest.approx((probabilities.argmax(1) == y).mean())
    assert results["loss"] == pytest.approx(
        -np.log(probabilities[np.arange(len(y)), y]).mean(), rel=1e-4
    )
    # The rows are those of scikit-learn's table, standardised.
    table = load_iris().data.astype("float32")
    scaled = np.asarray(data.preprocessing(table))
    assert all(np.isclose(scaled, row, atol=1e-5).all(axis=1).any() for row in x)


def test_the_best_epoch_is_evaluated_and_not_the_last(tmp_path):
    job = Job(
        "perceptron",
        "digits",
        epochs=3,
        batch_size=128,
        schedule="constant",
        options={"learning_rate": 3.0, "optimizer": "sgd"},
    )
    run = jobs.train_job(job, base=tmp_path)
    losses = dk.training.load_history(run)["val_loss"]
    best = keras.saving.load_model(run / "best.keras")
    measured = best.evaluate(job.load_data().val, verbose=0, return_dict=True)["loss"]
    assert measured == pytest.approx(min(losses), rel=1e-4)


def test_a_training_that_diverges_says_so(tmp_path, capsys):
    options = {"learning_rate": 1e30, "optimizer": "sgd"}
    job = Job("perceptron", "diabetes", epochs=2, schedule="constant", options=options)
    message = rf"The run {tmp_path}/bad has no best\.keras: no epoch ended with a finite loss"
    with pytest.raises(InputError, match=message):
        jobs.train_job(job, run="bad", base=tmp_path)
    assert "Training stopped: loss became" in capsys.readouterr().err


def test_data_without_validation_watches_the_training_loss(tmp_path):
    job = Job("perceptron", "iris", epochs=1, batch_size=16, val_fraction=0.0)
    run = jobs.train_job(job, base=tmp_path)
    assert set(dk.training.load_history(run)) == {"epoch", "accuracy", "loss"}
    assert (run / "best.keras").is_file()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "mpl"}, "There is no model named 'mpl'. Did you mean 'mlp'?"),
        ({"data": "digit"}, "There is no data set 'digit'. Did you mean 'digits'?"),
        ({"model": "cnn", "data": "iris"}, "cnn needs images (height, width, channels); 'iris'"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1. Received: epochs=0."),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1. Received"),
        ({"seed": -1}, "seed must be a whole number of at least 0. Received: seed=-1."),
        ({"schedule": "one_cylce"}, "schedule='one_cylce'. Did you mean 'one_cycle'?"),
        ({"val_fraction": 1.0}, "val_fraction must be in [0, 1). Received: val_fraction=1.0."),
        ({"options": {"seed": 1}}, "seed is no option of mlp: give the job's seed instead"),
        ({"options": {"task": "regression"}}, "task is no option of mlp: it comes from the data."),
        ({"options": {"num_classes": 3}}, "num_classes is no option of mlp: it comes from the"),
        ({"options": {"unit": 3}}, "mlp has no option 'unit'. Did you mean 'units'?"),
        ({"options": {"optimizer": "adma"}}, "optimizer='adma'. Did you mean 'adam'?"),
        ({"options": {"dropout": 1.5}}, "dropout must be in [0, 1). Received: dropout=1.5."),
    ],
)
def test_a_wrong_job_is_refused_before_anything_is_made(tmp_path, changes, message):
    with pytest.raises(InputError, match=re.escape(message)):
        jobs.train_job(dataclasses.replace(JOB, **changes), run="x", base=tmp_path)
    assert not any(tmp_path.iterdir())


def test_what_is_no_run_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"config": {"units": 3}}')  # of another program
    for run in (tmp_path / "nosuch", tmp_path):
        for step in (jobs.evaluate_run, jobs.export_run, jobs.open_run, jobs.find_run):
            with pytest.raises(InputError, match=f"{run} is not the directory of a training"):
                step(run)
        with pytest.raises(InputError, match=rf"{run}/results.json cannot be read; run `dlkit ev"):
            jobs.read_results(run)


def test_a_run_without_a_model_is_named(tmp_path):
    run = dk.training.run_directory("new", base=tmp_path, config=dataclasses.asdict(JOB))
    for step in (jobs.evaluate_run, jobs.export_run, jobs.open_run, jobs.find_run):
        with pytest.raises(InputError, match=f"The run {run} has no best.keras: no epoch ended"):
            step(run)


def test_a_used_name_with_another_job_is_refused(trained):
    with pytest.raises(InputError, match=r"epochs \(2 there, 5 now\)"):
        jobs.train_job(dataclasses.replace(JOB, epochs=5), run=trained.name, base=trained.parent)
    assert jobs.read_results(trained)  # and the run is as it was


def test_a_quantized_file_goes_where_it_was_told(trained, tmp_path):
    sizes = {}
    for quantize in (None, "dynamic"):
        path = tmp_path / f"{quantize}.tflite"
        assert jobs.export_run(trained, path, format="litert", quantize=quantize) == path
        sizes[quantize] = path.stat().st_size
    assert sizes["dynamic"] < sizes[None]


def test_the_model_card_tells_the_run(trained, tmp_path):
    version = jobs.export_run(trained, tmp_path / "m")
    notes = json.loads((version / "assets.extra/model_card.json").read_text())["notes"]
    assert notes == {
        "seed": JOB.seed,
        "run": str(trained),
        "metrics": jobs.read_results(trained),
    }


def test_an_export_can_carry_a_twin(trained, tmp_path):
    version = jobs.export_run(trained, tmp_path / "m", runtimes=("onnx",))
    assert (version / "assets.extra" / "onnx" / "serving_default.onnx").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "pb"}, "must be one of: saved_model, onnx, litert. Received: format='pb'."),
        ({"quantize": "dynamic"}, "--quantize dynamic. Received: format='saved_model'."),
        ({"format": "onnx", "quantize": "int8"}, "one of: dynamic. Received: quantize='int8'."),
        ({"format": "litert", "quantize": "int4"}, "dynamic, float16, int8. Received: quantize="),
        ({"format": "onnx", "runtimes": ("onnx",)}, "leave --format out. Received: format='onnx'"),
    ],
)
def test_a_format_that_there_is_not_is_refused(trained, tmp_path, options, message):
    with pytest.raises(InputError, match=re.escape(message)):
        jobs.export_run(trained, tmp_path / "m", **options)
    assert not any(tmp_path.iterdir())


# ------------------------------------------------------------------ own data


@pytest.fixture
def photos(shared_data, tmp_path):
    """A folder of own photos: 20 roses and 20 tulips."""
    for name in ("roses", "tulips"):
        (tmp_path / "my photos" / name).mkdir(parents=True)
        for path in sorted((sources.folder("flowers") / name).iterdir())[:20]:
            shutil.copy(path, tmp_path / "my photos" / name)
    return tmp_path / "my photos"


PHOTOS = Job(
    "cnn",
    "my photos",
    epochs=1,
    batch_size=16,
    options={"filters": (4,), "units": (), "jit_compile": False},
    data_options={"image_size": (16, 24)},
)


@pytest.fixture
def titanic(shared_data, tmp_path):
    """A table of one's own, and the job that is done with it."""
    path = tmp_path / "titanic.csv"
    shutil.copy(shared_data / "tabular/titanic.csv", path)
    job = Job("mlp", str(path), epochs=2, options={"units": (8,), "jit_compile": False})
    return dataclasses.replace(job, target="Survived", data_options={"kinds": {"Name": "drop"}})


def test_own_photos_are_trained_on_and_found_from_anywhere(photos, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    run = jobs.train_job(PHOTOS).resolve()
    assert re.fullmatch(r"cnn-my_photos-\d{8}-\d{6}-[0-9a-f]{4}", run.name)
    job, model = jobs.open_run(run)
    assert job.data == str(photos) and job.augment
    assert model.input_shape == (None, 16, 24, 3)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert jobs.evaluate_run(run) == pytest.approx(jobs.read_results(run))
    assert jobs.export_run(run) == pathlib.Path("exports/my_photos/1")
    # By hand: the bytes of the held-out files through the network, against what the run says.
    data = job.load_data()
    rows = data.origin.split.test
    files = [pathlib.Path(path).read_bytes() for path in data.origin.paths[rows]]
    images = data.decoding(tf.constant(files))
    said = model.predict(np.asarray(data.preprocessing(images)), verbose=0)
    right = (said[:, 0] > 0.5) == data.origin.targets.values[rows]
    assert jobs.read_results(run)["accuracy"] == pytest.approx(right.mean())


def test_an_own_table_is_repeated_from_the_record_of_its_run(titanic, tmp_path):
    run = jobs.train_job(titanic, base=tmp_path / "runs")
    assert jobs.read_results(run)["accuracy"] > 0.68  # always "no": 0.616
    record = json.loads((run / "config.json").read_text())["config"]
    assert (record["target"], "delimiter" in record) == ("Survived", False)
    again = jobs.find_run(run)
    repeated = jobs.train_job(again, run="again", base=tmp_path / "runs")
    assert equal(weights_of(run / "best.keras"), weights_of(repeated / "best.keras"))
    assert json.loads((repeated / "config.json").read_text())["config"] == record


def test_a_table_with_a_test_table_keeps_both(titanic, monkeypatch, tmp_path):
    """The files are named as seen from one folder, and found from another."""
    lines = pathlib.Path(titanic.data).read_text().splitlines(keepends=True)
    (tmp_path / "train.csv").write_text("".join(lines[:600]))
    (tmp_path / "held.csv").write_text("".join([lines[0], *lines[600:]]))
    monkeypatch.chdir(tmp_path)
    options = {**titanic.data_options, "test": "held.csv"}
    job = dataclasses.replace(titanic, data="train.csv", data_options=options)
    run = jobs.train_job(job).resolve()
    monkeypatch.chdir("/")
    assert jobs.evaluate_run(run) == pytest.approx(jobs.read_results(run))
    assert len(jobs.find_run(run).load_data().origin.split.test) == 292
    with open(tmp_path / "held.csv", "a") as file:
        file.write(lines[1])
    with pytest.raises(InputError, match=r"train\.csv is not as it was when the run .* began"):
        jobs.evaluate_run(run)
    (tmp_path / "held.csv").unlink()
    with pytest.raises(InputError, match=rf"not at {tmp_path}/held\.csv any more: put it back\."):
        jobs.evaluate_run(run)


def test_data_that_moved_is_told_and_found_where_it_is_said_to_be(titanic, tmp_path, capsys):
    run = jobs.train_job(titanic, run="moved", base=tmp_path / "runs")
    kept = (run / "config.json").read_bytes()
    moved = tmp_path / "later" / "people.csv"
    moved.parent.mkdir()
    os.rename(titanic.data, moved)
    sentence = rf"data of the run {run} is not at {titanic.data} any more: put it back, or .*--data"
    for step in (jobs.find_data, jobs.evaluate_run, jobs.export_run):
        with pytest.raises(InputError, match=sentence):
            step(run)
    again = jobs.find_run(run)
    with pytest.raises(InputError, match=rf"data of the job is not at {titanic.data} any more"):
        jobs.train_job(again, run="moved", base=run.parent)
    assert jobs.evaluate_run(run, str(moved)) == pytest.approx(jobs.read_results(run))
    version = jobs.export_run(run, tmp_path / "m", data=str(moved))
    assert (version / "saved_model.pb").is_file()

    there = dataclasses.replace(titanic, data=str(moved))
    assert jobs.train_job(there, run="moved", base=run.parent) == run
    assert "moved has been trained for 2 epochs" in capsys.readouterr().out
    assert (run / "config.json").read_bytes() == kept
    with pytest.raises(InputError, match=r"no file or folder .*peple\.csv\. .*'people\.csv'"):
        jobs.evaluate_run(run, str(moved.with_name("peple.csv")))


def test_data_that_changed_is_not_taken_for_that_of_the_run(titanic, tmp_path):
    """One passenger more: other splits, so that the test would hold what was trained on."""
    run = jobs.train_job(titanic, run="old", base=tmp_path / "runs")
    before = jobs.find_run(run).load_data().origin.split.test
    with open(titanic.data, "a") as file:
        file.write('892,0,3,"Doe, Mr. John",male,30,0,0,330911,7.8,,Q\n')
    after = jobs.find_run(run).load_data().origin.split.test
    assert set(before.tolist()) != set(after.tolist())
    sentence = rf"{titanic.data} is not as it was when the run {run} began: .*put it back as it was"
    for step in (jobs.find_data, jobs.evaluate_run, jobs.export_run):
        with pytest.raises(InputError, match=sentence):
            step(run)
    with pytest.raises(InputError, match=sentence):
        jobs.train_job(titanic, run="old", base=run.parent)
    with pytest.raises(InputError, match=r"not as it was when the job began"):
        jobs.train_job(jobs.find_run(run), run="new", base=run.parent)
    assert [path.name for path in run.parent.iterdir()] == ["old"]


def test_a_named_set_does_not_move(trained):
    with pytest.raises(InputError, match=r"trained on 'digits', which is found by its name: leave"):
        jobs.evaluate_run(trained, "elsewhere")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": "Survivd"}, "no column 'Survivd' to predict. Did you mean 'Survived'?"),
        ({"target": None}, "titanic.csv is a table; say which of its columns"),
        ({"model": "cnn"}, "cnn needs images (height, width, channels); 'titanic' holds features"),
        ({"data_options": {"delimiter": ";"}}, "give the job's delimiter instead (--delimiter)"),
        ({"data_options": {"target": "Sex"}}, "give the job's target instead (--target)"),
        ({"data_options": {"kind": 3}}, "from_csv has no option 'kind'. Did you mean 'kinds'?"),
        ({"data_options": {"test": 3}}, "There is no file or folder "),
        ({"data": "digits"}, "Only a CSV file has columns and a delimiter, and digits is none."),
    ],
)
def test_a_wrong_job_of_own_data_is_refused(titanic, tmp_path, changes, message):
    with pytest.raises(InputError, match=re.escape(message)):
        jobs.train_job(dataclasses.replace(titanic, **changes), base=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
