"""A job that cannot be done is refused by its names and numbers alone."""

import subprocess
import sys

import pytest

from dlkit.cli.job import Job
from dlkit.errors import InputError


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        (("mpl", "digits"), r"no model named 'mpl'\. Did you mean 'mlp'"),
        (("cnn", "iris"), r"cnn needs images .* 'iris' holds features: try mlp, perceptron"),
        (("mlp", "tiny_shakespeare"), r"'tiny_shakespeare' is a language_model task"),
        (("cnn", "blood_cells"), r"'blood_cells' is a detection task"),
        (("mlp", "sms_spam"), r"mlp takes vectors, and 'sms_spam' gives tokens: .*encoding=tf_idf"),
        (("mlp", "digits", 0), r"epochs must be .* Received: epochs=0"),
    ],
)
def test_what_cannot_be_done_is_told(job, sentence):
    with pytest.raises(InputError, match=sentence):
        Job(*job).check()


def test_options_of_the_job_are_none_of_the_data_or_the_model():
    with pytest.raises(InputError, match=r"seed is no option of digits here: .*--seed"):
        Job("mlp", "digits", data_options={"seed": 3}).check()
    with pytest.raises(InputError, match=r"batch_size is no option of digits here"):
        Job("mlp", "digits", data_options={"batch_size": 3}).check()
    with pytest.raises(InputError, match=r"task is no option of mlp: it comes from the data"):
        Job("mlp", "digits", options={"task": "binary"}).check()


def test_what_only_a_loader_can_tell_is_left_to_it():
    Job("cnn", "spoken_digits").check()  # spectrograms are images
    Job("mlp", "sms_spam", data_options={"encoding": "tf_idf"}).check()
    Job("mlp", "diabetes", data_options={"task": "regression"}).check()


def test_it_needs_no_tensorflow():
    code = (
        "import sys; from dlkit.cli.job import Job; Job('mlp', 'digits').check();"
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_own_data_is_placed_and_what_is_not_said_is_not_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text("size,good\n1,0\n2,1\n")
    job = Job("mlp", "table.csv", target="good")
    placed = job.with_place()
    assert placed.data == str(tmp_path / "table.csv") and len(placed.data_fingerprint) == 16
    assert placed.with_place() == placed
    assert not {"delimiter", "target"} & Job("mlp", "iris").with_place().describe().keys()
    assert job.describe()["target"] == "good"
    placed.check()
    (tmp_path / "table.csv").write_text("size,good\n1,0\n2,0\n")
    job.check()
    with pytest.raises(InputError, match=r"table\.csv is not as it was when the job began"):
        placed.check()
    with pytest.raises(InputError, match=r"'iris' is a named set, and data_fingerprint is of own"):
        Job("mlp", "iris", data_fingerprint=placed.data_fingerprint).check()
