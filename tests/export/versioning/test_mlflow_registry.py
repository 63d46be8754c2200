"""To MLflow's registry, in a database file, and back."""

import json
import sys

import mlflow
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.errors import InputError, MissingExtraError

# MLflow's own pyfunc module warns of its type hints when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType:UserWarning")


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.create_experiment("tests", artifact_location=(folder / "artifacts").as_uri())
    mlflow.set_experiment("tests")
    yield folder
    mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def data():
    table = {"size": np.linspace(0, 9, 60), "kind": ["a", "b", "c"] * 20, "label": [0, 1, 1] * 20}
    return dk.data.from_dataframe(table, "label", name="things", batch_size=16)


@pytest.fixture(scope="module")
def version(data, registry):
    model = dk.models.build("perceptron", data, seed=0)
    return dk.export.saved_model(model, registry / "exports", data)


@pytest.fixture(scope="module")
def uri(version):
    return dk.export.to_mlflow(version, "things")


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_comes_back_is_the_directory_that_went(uri, version, tmp_path):
    assert uri == "models:/things/1"
    assert dk.export.from_mlflow(uri, tmp_path / "things") == tmp_path / "things" / "1"
    assert dk.export.from_mlflow(uri, tmp_path / "things") == tmp_path / "things" / "2"
    assert files(tmp_path / "things" / "2") == files(version)
    assert dk.export.versions(tmp_path / "things") == (1, 2)


def test_an_alias_names_a_version(uri, version, tmp_path):
    mlflow.MlflowClient().set_registered_model_alias("things", "champion", "1")
    fetched = dk.export.from_mlflow("models:/things@champion", tmp_path / "things")
    assert files(fetched) == files(version)


def test_a_model_of_a_run_need_not_be_registered(version, tmp_path):
    with mlflow.start_run() as run:
        uri = dk.export.to_mlflow(version, name="thing")
    assert uri.startswith("models:/m-")
    for name in (uri, f"runs:/{run.info.run_id}/thing"):
        assert files(dk.export.from_mlflow(name, tmp_path / "things")) == files(version)


def test_mlflow_itself_predicts_from_raw_rows(uri, version):
    rows = {"size": [1.5, 8.0], "kind": ["a", "c"]}
    signature = tf.saved_model.load(str(version)).signatures["serving_default"]
    columns = {"size": tf.constant(rows["size"]), "kind": tf.constant(rows["kind"])}
    expected = signature(**columns)["predictions"].numpy()
    loaded = mlflow.pyfunc.load_model(uri)
    for given in (rows, pd.DataFrame(rows)):
        np.testing.assert_array_equal(loaded.predict(given)["predictions"], expected)
    of_mlflow = mlflow.tensorflow.load_model(uri)(**columns)["predictions"]
    np.testing.assert_array_equal(of_mlflow, expected)


def test_the_loader_is_called_as_in_models_that_are_registered_already(uri):
    flavors = mlflow.models.get_model_info(uri).flavors
    assert flavors["python_function"]["loader_module"] == "dlkit.export.registry"


def test_the_model_card_is_the_metadata(uri, version):
    card = json.loads((version / "assets.extra" / "model_card.json").read_text())
    assert mlflow.models.get_model_info(uri).metadata["model_card"] == card


def test_what_is_no_version_is_not_logged(registry):
    with pytest.raises(InputError, match=r"exports', which holds no saved_model\.pb"):
        dk.export.to_mlflow(registry / "exports", "things")


@pytest.mark.parametrize("uri", ["models:/nobody/1", "runs:/none/model", "nowhere"])
def test_what_mlflow_has_not_leaves_nothing_behind(uri, registry, tmp_path):
    with pytest.raises(InputError, match=f"can fetch. Received: model_uri='{uri}'"):
        dk.export.from_mlflow(uri, tmp_path / "things")
    assert not (tmp_path / "things").exists()


def test_a_model_of_another_kind_is_refused(registry, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "MLmodel").write_text("flavors: {}\n")
    with pytest.raises(InputError, match="has no SavedModel in 'model'"):
        dk.export.from_mlflow(str(tmp_path / "other"), tmp_path / "things")
    assert not (tmp_path / "things").exists()


def test_a_name_that_mlflow_refuses_is_told(version):
    with pytest.raises(InputError, match="MLflow did not take version="):
        dk.export.to_mlflow(version, "a/b:c")


def test_without_mlflow_the_extra_is_named(version, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingExtraError, match=r"dlkit\[mlflow\]"):
        dk.export.to_mlflow(version, "things")
    with pytest.raises(MissingExtraError, match=r"dlkit\[mlflow\]"):
        dk.export.from_mlflow("models:/things/1", version.parent.parent / "fetched")
