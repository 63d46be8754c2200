"""The `dlkit` command: the main job as started processes, and a sentence for each wrong input."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import types

import numpy as np
import pytest
from sklearn.datasets import load_digits

import dlkit as dk
from dlkit.cli.job import Job
from dlkit.cli.job_files import read_job
from tests.cli.command_line import call, room, run, start, wait_until

TRAIN = ["train", "mlp", "--data", "digits", "--epochs", "2", "--batch-size", "16"]
TRAIN += ["--run", "first", "--set", "units=32", "--set", "jit_compile=False"]


# ------------------------------------------------------------------ the main job, as processes


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """A folder in which `dlkit train` and `dlkit export` were run, and what they wrote."""
    folder = tmp_path_factory.mktemp("job")
    trained = run(*TRAIN, cwd=folder)
    exported = run("export", "runs/first", cwd=folder)
    return types.SimpleNamespace(folder=folder, trained=trained, exported=exported)


@pytest.fixture(scope="module")
def asked(job):
    """What `dlkit predict` and a stopped `dlkit serve` said of the export."""
    images = dk.data.load("digits").examples[0][:3]
    np.save(job.folder / "images.npy", images)
    body = json.dumps({"instances": images.tolist()})
    (job.folder / "images.json").write_text(body)
    (job.folder / "short.json").write_text("[[1, 2, 3]]")
    with open(job.folder / "serve.log", "w+") as log:
        server = start(
            *("serve", "exports/digits", "--port", 0, "--grpc-port", 0, "--name", "zahlen"),
            cwd=job.folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            url = wait_until(lambda: announced(job.folder), server, "its announcement")
            file, npy, short, nosuch = (
                run("predict", address, name, cwd=job.folder)
                for address, name in (
                    (url, "images.json"),
                    (url, "images.npy"),
                    (url, "short.json"),
                    (url.replace("zahlen", "nosuch"), "images.json"),
                )
            )
            piped = run("predict", url, "-", cwd=job.folder, input=body)
        finally:
            server.send_signal(signal.SIGTERM)
            status = server.wait(60)
    gone = run("predict", url, "images.json", cwd=job.folder)
    return types.SimpleNamespace(
        images=images,
        url=url,
        file=file,
        npy=npy,
        piped=piped,
        short=short,
        nosuch=nosuch,
        gone=gone,
        status=status,
    )


def announced(folder):
    found = re.search(r"^Serving zahlen at (http\S+)$", (folder / "serve.log").read_text(), re.M)
    return found and found[1]


def refused(result, message):
    """Check that a process ended with this sentence alone."""
    assert result.returncode == 2
    assert result.stdout == ""
    assert re.fullmatch(rf"dlkit: .*{message}.*\n", result.stderr), result.stderr


def test_train_says_what_it_did_and_what_comes_next(job):
    assert job.trained.returncode == 0, job.trained.stderr
    assert job.trained.stderr == ""
    lines = job.trained.stdout.splitlines()
    # 64 x 32 + 32 weights, then 32 x 10 + 10
    assert lines[0] == "Training mlp (2,410 parameters) on digits: runs/first"
    assert [line for line in lines if line.startswith("Epoch")] == ["Epoch 1/2", "Epoch 2/2"]
    results = json.loads((job.folder / "runs/first/results.json").read_text())["test"]
    numbers = f"accuracy {results['accuracy']:.4f}, loss {results['loss']:.4f}"
    assert lines[-2:] == [f"Test: {numbers}", "Next: dlkit export runs/first"]


def test_train_learns(job):
    """By hand: scikit-learn's own images through the exported preprocessing and Keras's model."""
    model = dk.models.load(job.folder / "runs/first/best.keras")
    data = dk.data.load("digits")
    images, labels = load_digits(return_X_y=True)
    inputs = data.preprocessing(images.reshape(-1, 8, 8).astype("uint8"))
    said = model.predict(np.asarray(inputs), verbose=0).argmax(axis=1)
    assert (said == labels).mean() > 0.7
    results = json.loads((job.folder / "runs/first/results.json").read_text())["test"]
    assert abs(results["accuracy"] - (said == labels).mean()) < 0.1


def test_train_keeps_its_options(job):
    config = json.loads((job.folder / "runs/first/config.json").read_text())["config"]
    assert config["options"] == {"units": 32, "jit_compile": False}
    assert (config["epochs"], config["batch_size"], config["seed"]) == (2, 16, 0)
    assert (config["augment"], config["schedule"]) == (True, "one_cycle")


def test_export_names_the_version_and_what_comes_next(job):
    assert job.exported.returncode == 0, job.exported.stderr
    assert job.exported.stderr == ""
    assert job.exported.stdout.splitlines() == [
        "Exported and checked: exports/digits/1",
        "Next: dlkit serve exports/digits",
    ]
    assert (job.folder / "exports/digits/1/saved_model.pb").is_file()


def test_predict_answers_as_the_keras_model_does(job, asked):
    model = dk.models.load(job.folder / "runs/first/best.keras")
    inputs = np.asarray(dk.data.load("digits").preprocessing(asked.images))
    wanted = model.predict(inputs, verbose=0)
    for answer in (asked.file, asked.npy, asked.piped):
        assert (answer.returncode, answer.stderr) == (0, "")
        found = np.array(json.loads(answer.stdout))
        assert found.shape == (3, 10)
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_serve_says_where_grpc_is(job, asked):
    log = (job.folder / "serve.log").read_text()
    assert re.search(r"^Serving zahlen at grpc://127\.0\.0\.1:\d+$", log, re.M)


def test_sigterm_stops_the_server_with_status_0(asked):
    assert asked.status == 0


def test_a_refusal_of_the_server_is_one_sentence(asked):
    refused(asked.short, "image.*shape")
    refused(asked.nosuch, "nosuch")


def test_a_port_in_use_is_named(job, monkeypatch, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status = call(monkeypatch, "serve", job.folder / "exports/digits", "--port", port)
    sentence = f"Cannot listen on 127.0.0.1 port {port}: Address already in use."
    one_sentence(status, capsys, sentence)


def test_a_server_that_is_gone_is_named(asked):
    refused(asked.gone, f"No server answers at {asked.url} .*: is it running")


def test_the_same_train_again_keeps_what_there_is(job, monkeypatch, capsys):
    monkeypatch.chdir(job.folder)
    kept = {
        name: (job.folder / "runs/first" / name).read_bytes()
        for name in ("best.keras", "history.csv", "results.json", "config.json")
    }
    assert call(monkeypatch, *TRAIN) == 0
    output = capsys.readouterr().out
    assert "runs/first has been trained for 2 epochs; nothing is left of epochs=2." in output
    assert "Epoch 1/2" not in output
    for name, content in kept.items():
        assert (job.folder / "runs/first" / name).read_bytes() == content
    assert [path.name for path in (job.folder / "runs").iterdir()] == ["first"]
    with open(job.folder / "runs/first/history.csv") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1"]


def test_another_job_under_the_same_name_is_refused(job, monkeypatch, capsys):
    monkeypatch.chdir(job.folder)
    assert call(monkeypatch, *TRAIN, "--seed", 1) == 2
    assert "differing in seed (0 there, 1 now)" in capsys.readouterr().err


def test_evaluate_gives_the_results_of_train(job, monkeypatch, capsys):
    assert call(monkeypatch, "evaluate", job.folder / "runs/first") == 0
    assert capsys.readouterr().out == job.trained.stdout.splitlines()[-2] + "\n"


def test_export_again_is_the_next_version_where_it_was_told(job, monkeypatch, capsys, tmp_path):
    for version in (1, 2):
        assert call(monkeypatch, "export", job.folder / "runs/first", "--to", tmp_path / "m") == 0
        assert capsys.readouterr().out.splitlines() == [
            f"Exported and checked: {tmp_path}/m/{version}",
            f"Next: dlkit serve {tmp_path}/m",
        ]


def test_export_to_a_path_that_cannot_be_written_is_refused(job, monkeypatch, capsys, tmp_path):
    (tmp_path / "file").write_text("mine")
    status = call(monkeypatch, "export", job.folder / "runs/first", "--to", tmp_path / "file/m")
    one_sentence(status, capsys, f"{tmp_path}/file")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "name"),
    [(["--format", "onnx"], "digits.onnx"), (["--format", "litert"], "digits.tflite")],
)
def test_export_of_a_file_names_it(job, monkeypatch, capsys, tmp_path, options, name):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, "export", job.folder / "runs/first", *options) == 0
    assert capsys.readouterr().out == f"Exported and checked: exports/{name}\n"
    assert [path.name for path in (tmp_path / "exports").iterdir()] == [name]


def test_an_unknown_format_is_refused(job, monkeypatch, capsys, tmp_path):
    run = job.folder / "runs/first"
    status = call(monkeypatch, "export", run, "--format", "onxx", "--to", tmp_path / "m")
    one_sentence(status, capsys, "format='onxx'. Did you mean 'onnx'?")
    assert not any(tmp_path.iterdir())


# ------------------------------------------------------------------ wrong inputs


def one_sentence(status, capsys, *parts):
    """Check exit status 2 and one line on standard error that holds `parts`."""
    captured = capsys.readouterr()
    assert status == 2
    assert captured.out == ""
    assert captured.err.startswith("dlkit: ")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    for part in parts:
        assert part in captured.err


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ("mpl", ("There is no model named 'mpl'. Did you mean 'mlp'?", "The models: capsnet, cnn")),
        ("mlp --data irsi", ("There is no data set 'irsi'. Did you mean 'iris'?", "digits")),
        ("cnn --data iris", ("cnn needs images", "'iris' holds features: try mlp, perceptron")),
        ("mlp --set unit=3", ("mlp has no option 'unit'. Did you mean 'units'?",)),
        ("mlp --set optimizer=adma", ("optimizer='adma'. Did you mean 'adam'?", "sgd, momentum")),
        ("mlp --set loss=mes", ("loss='mes'",)),
        ("mlp --set dropout=1.5", ("dropout must be in [0, 1). Received: dropout=1.5.",)),
        ("mlp --set learning_rate=fast", ("learning_rate", "'fast'")),
        ("mlp --set units", ("--set takes key=value", "Received: 'units'.")),
        ("mlp --set =3", ("--set takes key=value", "Received: '=3'.")),
        ("mlp --set 3=units", ("Received: '3=units'.",)),
        ("mlp --set units=3 --set units=4", ("--set units is given twice",)),
        ("mlp --set seed=3", ("seed is no option of mlp", "--seed")),
        ("mlp --set data=iris", ("data is no option of mlp: the job's data says it.",)),
        ("mlp --data-option cache", ("--data-option takes key=value", "Received: 'cache'.")),
        ("mlp --data-option size=3", ("digits has no option 'size'.", "val_fraction")),
        ("mlp --data iris --data-option tets=3", ("iris has no option 'tets'. Did you mean",)),
        ("mlp --data sms_spam", ("'sms_spam' gives tokens", "--data-option encoding=tf_idf")),
        ("mlp --epochs 0", ("epochs must be a whole number of at least 1. Received: epochs=0.",)),
        ("mlp --batch-size -1", ("Received: batch_size=-1.",)),
        ("mlp --seed -1", ("Received: seed=-1.",)),
        ("mlp --schedule one_cycel", ("schedule='one_cycel'. Did you mean 'one_cycle'?",)),
        ("mlp --run a/b", ("Received: name='a/b'.",)),
    ],
)
def test_a_wrong_training_is_refused(monkeypatch, capsys, tmp_path, arguments, parts):
    monkeypatch.chdir(tmp_path)
    one_sentence(call(monkeypatch, "train", *arguments.split()), capsys, *parts)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ("mlp --data people.csv", ("people.csv is a table", "--target: Survived, Sex, Age.")),
        ("mlp --data people.csv --target Agee", ("no column 'Agee' to", "Did you mean 'Age'?")),
        ("mlp --data peple.csv --target Age", ("no file or folder peple.csv. Did you mean",)),
        ("mlp --data ./people", ("There is no file or folder people.",)),
        ("mlp --data people", ("no data set, file or folder 'people'. Did you mean 'people.csv'",)),
        ("mlp --data iris --target species", ("Only a CSV file has columns", "target='species'")),
        ("mlp --data . --target species", ("Only a CSV file has columns", "target='species'")),
        ("mlp --data .", ("holds no images (JPEG, PNG, BMP, GIF), WAV or .txt files",)),
        ("--job job.yaml", ("job.yaml has the key 'epoch', which a", "Did you mean 'epochs'?")),
        ("--job jb.yaml", ("There is no file or folder jb.yaml. Did you mean 'job.yaml'?",)),
        ("--job people.csv", ("people.csv holds no job: write its keys and values",)),
    ],
)
def test_a_wrong_training_on_own_data_is_refused_before_tensorflow_is_loaded(
    monkeypatch, capsys, tmp_path, arguments, parts
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text("Survived,Sex,Age\n0,male,22\n1,female,38\n")
    (tmp_path / "job.yaml").write_text("model: mlp\nepoch: 3\n")
    monkeypatch.setattr("dlkit.cli.commands.load_tensorflow", lambda: pytest.fail("too late"))
    one_sentence(call(monkeypatch, "train", *arguments.split()), capsys, *parts)
    assert {path.name for path in tmp_path.iterdir()} == {"people.csv", "job.yaml"}


def test_a_job_file_is_done_and_what_stands_beside_it_goes_first(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{place % 7}\t{place % 2}\n" for place in range(40))
    (tmp_path / "people.tsv").write_text(f"age\tgood\n{rows}")
    (tmp_path / "job.yaml").write_text(
        "model: perceptron\ndata: people.tsv\ntarget: good\nepochs: 3\nval_fraction: 0\n"
        "options: {learning_rate: 1e-2, optimizer: sgd}\n"
    )
    given = ("--epochs", 1, "--set", "optimizer=adam", "--run", "first")
    assert call(monkeypatch, "train", "--job", "job.yaml", *given) == 0
    job = read_job(tmp_path / "runs/first/config.json")
    assert (job["model"], job["data"], job["target"]) == (
        *("perceptron", str(tmp_path / "people.tsv")),
        "good",
    )
    assert (job["epochs"], job["batch_size"], job["val_fraction"]) == (1, 8, 0)
    assert job["options"] == {"learning_rate": 0.01, "optimizer": "adam"}
    told = capsys.readouterr().out.splitlines()
    # The record of the run is a job file, and evaluates to the same.
    again = ("train", "--job", "runs/first/config.json", "--run", "again")
    assert call(monkeypatch, *again) == 0
    assert capsys.readouterr().out.splitlines()[-2] == told[-2]
    os.rename("people.tsv", "others.tsv")
    status = call(monkeypatch, "evaluate", "runs/first")
    one_sentence(status, capsys, "runs/first is not at", "people.tsv any more", "with --data")
    assert call(monkeypatch, "evaluate", "runs/first", "--data", "others.tsv") == 0
    assert told[-2] in capsys.readouterr().out
    assert call(monkeypatch, "export", "runs/first", "--data", "others.tsv") == 0
    assert (tmp_path / "exports/others/1/saved_model.pb").is_file()


@pytest.mark.parametrize("size", [300, 20_000, 60_000])
def test_a_full_disk_is_one_sentence_and_leaves_no_half_of_a_file(
    monkeypatch, capsys, tmp_path, size
):
    """At the record of the run, the model, and the state to go on from."""
    monkeypatch.chdir(tmp_path)
    arguments = ("train", "mlp", "--set", "units=64", "--epochs", "1", "--run", "full")
    with room(size):
        assert call(monkeypatch, *arguments) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith("dlkit: ")
    assert "File too large" in told
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert not [name for name in left if "partial" in name]
    assert "resume.npz" not in left
    if "best.keras" in left:
        dk.models.load(tmp_path / "runs/full/best.keras")


@pytest.mark.parametrize("step", ["evaluate", "export"])
def test_what_is_no_run_is_refused(monkeypatch, capsys, tmp_path, step):
    monkeypatch.chdir(tmp_path)
    one_sentence(call(monkeypatch, step, "runs/no"), capsys, "runs/no is not the directory of a")
    config = {"model": "mlp", "data": "iris"}
    dk.training.run_directory("new", config=config)
    one_sentence(call(monkeypatch, step, "runs/new"), capsys, "The run runs/new has no best.keras")
    (tmp_path / "runs/new/best.keras").write_bytes(b"half a mod")
    one_sentence(call(monkeypatch, step, "runs/new"), capsys, "best.keras is not a .keras file")
    assert not (tmp_path / "exports").exists()


def test_a_directory_without_versions_is_not_served(monkeypatch, capsys, tmp_path):
    status = call(monkeypatch, "serve", tmp_path, "--port", 0)
    one_sentence(status, capsys, f"under base path {tmp_path}", "number (eg. '/1/')")
    status = call(monkeypatch, "serve", tmp_path / "nosuch", "--port", 0)
    one_sentence(status, capsys, f"Could not find base path {tmp_path}/nosuch")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--api-key-file", "/nosuch/keys"), "api_key_file /nosuch/keys cannot be read"),
        (("--ssl-config-file", "/nosuch/ssl"), "ssl_config_file /nosuch/ssl cannot be read"),
        (("--rest-tls",), "rest_tls needs ssl_config_file"),
        (("--runtime", "onyx"), "runtime='onyx'. Did you mean 'onnx'?"),
    ],
)
def test_keys_and_certificates_are_read_first(monkeypatch, capsys, tmp_path, flags, sentence):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"")
    status = call(monkeypatch, "serve", tmp_path, "--port", 0, *flags)
    one_sentence(status, capsys, sentence)


def test_a_broken_saved_model_is_not_served(tmp_path):
    (tmp_path / "digits" / "1").mkdir(parents=True)
    (tmp_path / "digits" / "1" / "saved_model.pb").write_bytes(b"this is no protocol buffer")
    result = run("serve", tmp_path / "digits", "--port", 0)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"dlkit: Model 'digits' under {tmp_path}/digits cannot be served: ")


def test_a_file_that_cannot_be_sent_is_refused(monkeypatch, capsys, tmp_path):
    (tmp_path / "half.json").write_text('{"instances": [[1.0, 2.0')
    url = "http://127.0.0.1:1/v1/models/x"
    status = call(monkeypatch, "predict", url, tmp_path / "half.json")
    one_sentence(status, capsys, f"{tmp_path}/half.json is neither JSON nor a .npy file", "line 1")
    status = call(monkeypatch, "predict", url, tmp_path / "nosuch.json")
    one_sentence(status, capsys, f"{tmp_path}/nosuch.json cannot be read: No such file")


def test_a_wrong_url_is_refused(monkeypatch, capsys, tmp_path):
    (tmp_path / "rows.json").write_text("[[1.0]]")
    status = call(monkeypatch, "predict", "127.0.0.1:8501", tmp_path / "rows.json")
    one_sentence(status, capsys, "url must be a model's URL", "Received: url='127.0.0.1:8501'.")


def test_a_server_that_is_not_there_is_named(monkeypatch, capsys, tmp_path):
    (tmp_path / "rows.json").write_text("[[1.0]]")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # taken, but nobody listens
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1/models/x"
        status = call(monkeypatch, "predict", url, tmp_path / "rows.json")
    one_sentence(status, capsys, f"No server answers at {url}", "is it running?")


@pytest.mark.parametrize(
    ("arguments", "module"),
    [
        ("serve BASE --port 0", "uvicorn"),
        ("serve BASE --port 0 --grpc-port 0", "grpc_health"),
        ("predict URL ROWS", "httpx"),
        ("demo", "matplotlib"),
    ],
)
def test_a_missing_extra_is_named(monkeypatch, capsys, tmp_path, arguments, module):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x" / "1").mkdir(parents=True)
    (tmp_path / "rows.json").write_text("[[1.0]]")
    monkeypatch.setitem(sys.modules, module, None)
    values = {"BASE": "x", "URL": "http://127.0.0.1:1/v1/models/x", "ROWS": "rows.json"}
    status = call(monkeypatch, *(values.get(word, word) for word in arguments.split()))
    extra = "plot" if module == "matplotlib" else "serve"
    sentence = f'{module} is not installed; it comes with: pip install "dlkit[{extra}]"'
    one_sentence(status, capsys, sentence)
    assert not (tmp_path / "runs").exists()  # told before anything is trained


def test_a_wrong_command_line_is_told_as_such(monkeypatch, capsys):
    for arguments, part in (
        (["nosuch"], "No such command 'nosuch'."),
        (["serve", "x", "--port", "70000"], "Invalid value for '--port'"),
        (["serve", "x", "--grpc-port", "-1"], "Invalid value for '--grpc-port'"),
        (["train"], "Missing argument 'MODEL': name a builder"),
        (["evaluate"], "Missing argument 'RUN'."),
        (["train", "mlp", "--epoch", "3"], "No such option: --epoch"),
        (
            ["train", "mlp", "--epochs", "many"],
            "Invalid value for '--epochs': Input should be a valid integer",
        ),
    ):
        assert call(monkeypatch, *arguments) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert part in captured.err


def test_as_a_process_a_wrong_input_is_one_sentence_and_status_2(tmp_path):
    result = run("train", "mpl", cwd=tmp_path)
    refused(result, "There is no model named 'mpl'")


def test_a_tensorflow_that_fails_shows_its_notes(tmp_path):
    """As on a machine whose processor or drivers it does not take."""
    fake = tmp_path / "tensorflow"
    fake.mkdir()
    (fake / "__init__.py").write_text(
        "import os\nos.write(2, b'F0000 this CPU lacks AVX\\n')\nraise ImportError('no libtf.so')\n"
    )
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv[0] = 'dlkit'\n"
    code += "from dlkit.cli.commands import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code, "train", "mlp"], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert result.stderr.startswith("F0000 this CPU lacks AVX\n")
    assert "ImportError: no libtf.so" in result.stderr
    assert not (tmp_path / "runs").exists()


# ------------------------------------------------------------------ what it tells


def test_help_says_what_each_command_does_in_a_whole_sentence(monkeypatch, capsys):
    assert call(monkeypatch, "--help") == 0
    output = capsys.readouterr().out
    named = re.findall(r"^  ([a-z]+)  +(\S.*)$", output.partition("Commands:")[2], re.MULTILINE)
    commands = ["datasets", "check", "models", "train", "evaluate", "export"]
    commands += ["serve", "tune", "predict", "monitor", "demo", "doctor"]
    assert [name for name, _ in named] == commands
    for _, text in named:
        assert text.endswith(".") and not text.endswith("...")
    for name in commands:
        assert call(monkeypatch, name, "--help") == 0
        assert f"Usage: dlkit {name}" in capsys.readouterr().out


def test_train_help_names_its_defaults(monkeypatch, capsys):
    assert call(monkeypatch, "train", "--help") == 0
    output = " ".join(capsys.readouterr().out.split())
    defaults = Job("mlp", "digits")
    for value in ("digits", defaults.epochs, defaults.seed, defaults.schedule):
        assert f"[default: {value}]" in output
    assert "[default: augment]" in output


def test_version(monkeypatch, capsys):
    assert call(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"dlkit {dk.__version__}\n"


def test_check_prints_a_table_and_tells_an_unknown_name(monkeypatch, capsys):
    assert call(monkeypatch, "check", "iris") == 0
    output = capsys.readouterr().out
    assert "Check of iris" in output and "1 of 30 (3.3%) test examples" in output
    assert call(monkeypatch, "check", "irsi") == 2
    assert "There is no data set 'irsi'. Did you mean 'iris'?" in capsys.readouterr().err


def test_check_exits_with_1_for_what_spoils_any_training(monkeypatch, capsys, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("size,price\n" + "".join(f"{size},1.5\n" for size in range(40)))
    assert call(monkeypatch, "check", table, "--target", "price") == 1
    assert re.search(r"error +targets +1\.5 to 1\.5", capsys.readouterr().out)
    assert call(monkeypatch, "check", table) == 2
    assert "--target: size, price." in capsys.readouterr().err
    table.write_text(table.read_text().replace(",", ";"))
    assert call(monkeypatch, "check", table, "--target", "price", "--delimiter", ";") == 1
    assert re.search(r"error +targets +1\.5 to 1\.5", capsys.readouterr().out)


def test_a_warning_is_its_sentence_without_a_line_of_the_code(tmp_path):
    rows = "".join(f"{place},5;{place % 2}\n" for place in range(40))
    (tmp_path / "table.csv").write_text(f"weight;sold\n{rows}")
    done = run("check", tmp_path / "table.csv", "--target", "sold", "--delimiter", ";")
    assert done.stderr.startswith("Warning: Column 'weight' looks like numbers, as '0,5', and")
    assert ".py" not in done.stderr and "from_dataframe" not in done.stderr


def test_models_and_datasets_list_the_registries(monkeypatch, capsys):
    for name, infos in (("models", dk.models.list()), ("datasets", dk.data.list())):
        assert call(monkeypatch, name) == 0
        rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
        assert [row[0] for row in rows] == ["name", *(info.name for info in infos)]
        assert len({len(row) for row in rows}) == 1
        for row, info in zip(rows[1:], infos, strict=True):
            assert info.description in row
