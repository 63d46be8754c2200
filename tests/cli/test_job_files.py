"""Job files: what is read of them, and that a wrong one is told by its key and its file."""

import dataclasses
import json
import pathlib
import re

import pytest

from dlkit.cli.job import Job
from dlkit.cli.job_files import make_job, read_job
from dlkit.errors import InputError

DEFAULTS = {"model": None, "data": "digits", "epochs": 10, "options": {}, "data_options": {}}


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a job file and reads it."""

    def write(text, name="job.yaml"):
        (tmp_path / name).write_text(text)
        return read_job(tmp_path / name)

    return write


def test_yaml_and_json_say_the_same(written):
    text = """
    model: cnn
    data: photos/
    epochs: 5          # a comment
    augment: false
    target:
    options:
      filters: [8, 16]
      learning_rate: 1e-3
      dropout: .5
      optimizer: adamw
    data_options: {image_size: [64, 64]}
    """
    options = {"filters": [8, 16], "learning_rate": 0.001, "dropout": 0.5, "optimizer": "adamw"}
    told = {"model": "cnn", "data": "photos/", "epochs": 5, "augment": False, "options": options}
    told["data_options"] = {"image_size": [64, 64]}
    assert written(text) == told
    assert written(json.dumps(told | {"target": None}), "job.json") == told
    assert written(json.dumps(told, indent=1)) == told  # YAML holds JSON
    assert written("\ufeff" + json.dumps(told), "job.json") == told  # as Windows writes it
    assert written("\ufeff" + text) == told
    assert written(json.dumps({"config": told, "seed": 0, "versions": {}}), "config.json") == told


def test_the_job_of_the_documents_is_one_and_they_name_every_key(written):
    page = (pathlib.Path(__file__).parents[2] / "docs/data.md").read_text()
    (text,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    job = make_job(written(text), DEFAULTS, [])
    assert (job.model, job.options["learning_rate"]) == ("mlp", 0.001)
    (keys,) = re.findall(r"^Its keys are (.*?),? the same that", page, re.DOTALL | re.MULTILINE)
    assert {*re.findall(r"`(\w+)`", keys)} == {field.name for field in dataclasses.fields(Job)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),  # PyYAML alone: a text
        ("1E6", 1e6),
        ("-.5", -0.5),
        ("2.", 2.0),
        ("+7", 7),
        ("0", 0),
        ("no", "no"),  # PyYAML alone: False
        ("on", "on"),
        ("True", True),
        ("null", None),
        ("~", None),
        ("'3'", "3"),
        ("010", "010"),  # PyYAML alone: 8
        ("1:30", "1:30"),  # PyYAML alone: 90
        ("2024-01-02", "2024-01-02"),  # PyYAML alone: a date
        ("1_000", "1_000"),
    ],
)
def test_plain_values_are_those_of_yaml_1_2(written, text, value):
    found = written(f"options: {{x: {text}}}")["options"]["x"]
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("epoch: 3", "job.yaml has the key 'epoch', which a job lacks. Did you mean 'epochs'?"),
        ("3: 3", "job.yaml has the key 3, which a job lacks. Its keys: model, data, epochs"),
        ("config: {model: mlp}\nepochs: 3", "has the key 'config', which a job lacks"),
        ("epochs: 3\nepochs: 4", "job.yaml: the key 'epochs' is there twice; give it once."),
        ("options: {a: 1, a: 2}", "the key 'a' is there twice"),
        ("target: 2020", "target must be a text; put it into quotes. Received: 2020."),
        ("model: [mlp]", "model must be a text"),
        ("augment: no", "augment must be true or false. Received: 'no'."),
        ("options: dropout", "options must be names with their values"),
        ("data_options: {1: 2}", "data_options must be names with their values"),
        ("- model", "job.yaml holds no job: write its keys and values"),
        ("", "job.yaml holds no job"),
        ("config: 3", "job.yaml holds no job"),
        ("model: [", "job.yaml cannot be read as a job file (while parsing"),
        ("? [a]\n: b", "job.yaml cannot be read as a job file"),
        ("model: !!python/name:os.system x", "could not determine a constructor"),
    ],
)
def test_a_wrong_file_is_told(written, text, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)) as told:
        written(text)
    assert "\n" not in str(told.value)


def test_a_wrong_json_file_is_told(written):
    with pytest.raises(InputError, match=r"config\.json: the key 'epochs' is there twice"):
        written('{"epochs": 3, "epochs": 4}', "config.json")
    with pytest.raises(InputError, match=r"config\.json cannot be read as a job file \(Expecting"):
        written('{"epochs": 3', "config.json")


def test_a_file_that_is_none_is_told(tmp_path):
    (tmp_path / "job.yaml").write_bytes(b"model: \xff\xfe")
    with pytest.raises(InputError, match=r"job\.yaml cannot be read as a job file \('utf-8' codec"):
        read_job(tmp_path / "job.yaml")
    with pytest.raises(InputError, match=r"no file or folder .*jb\.yaml\. .* 'job\.yaml'"):
        read_job(tmp_path / "jb.yaml")
    with pytest.raises(InputError, match=rf"is a folder; give a job file, as {tmp_path}/config"):
        read_job(tmp_path)


def test_what_is_given_beside_a_file_goes_first():
    told = {"model": "mlp", "data": "iris", "epochs": 3, "options": {"units": [8], "dropout": 0.1}}
    assert make_job(told, DEFAULTS, []) == Job("mlp", "iris", 3, options=told["options"])
    values = DEFAULTS | {"data": "digits", "options": {"dropout": 0.2}}
    expected = Job("mlp", "digits", 3, options={"units": [8], "dropout": 0.2})
    assert make_job(told, values, ["data", "options"]) == expected


def test_other_data_is_held_against_no_fingerprint():
    told = {"model": "mlp", "data": "/a/photos", "data_fingerprint": "0" * 16}
    assert make_job(told, DEFAULTS, []).data_fingerprint == "0" * 16
    assert make_job(told, DEFAULTS, ["data"]).data_fingerprint is None


def test_a_job_needs_a_model():
    with pytest.raises(InputError, match=r"Missing argument 'MODEL': name a builder.* --job"):
        make_job({"data": "iris"}, DEFAULTS, [])
