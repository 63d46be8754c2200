"""`from_csv` and `from_dataframe`, trained and served for real."""

import json
import urllib.error
import urllib.request

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.preprocessing import StandardScaler

import dlkit as dk
from dlkit.cli import jobs
from dlkit.cli.job import Job
from dlkit.errors import InputError
from dlkit.export.graph import prepare_export
from dlkit.serving.client.inputs import prepare_inputs
from dlkit.serving.client.request_files import read_inputs
from dlkit.serving.core.signatures import Signature, TensorInfo
from tests.data.arrays.test_from_arrays import batches


def people(count=200, **changed):
    random = np.random.default_rng(0)
    table = {
        "age": random.integers(18, 80, count).astype(float),
        "job": random.choice(["clerk", "cook", "smith"], count),
        "born": random.choice(["1990-05-17", "1985-12-01", "1971-02-28"], count),
        "rich": random.integers(0, 2, count),
    }
    return {**table, **changed}


def prepared(data, rows):
    return data.preprocessing({name: tf.constant(v.tolist()) for name, v in rows.items()}).numpy()


# ------------------------------------------------------------------ what is learned


def test_titanic_is_far_better_than_the_majority_and_is_served_rows(shared_data, tmp_path):
    data = dk.data.load("titanic", batch_size=32)
    model = dk.models.build("mlp", data, units=(32,), seed=0, learning_rate=0.01)
    model.fit(data.train, epochs=12, verbose=0)
    labels = batches(data.test)[1]
    majority = np.bincount(labels).max() / len(labels)
    accuracy = model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]
    assert majority == pytest.approx(110 / 179)
    assert accuracy > majority + 0.1

    version = dk.export.saved_model(model, tmp_path / "titanic", data=data)
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    rows = data.origin.raw(data.origin.split.test)
    (answer,) = served(**{k: tf.constant(v.tolist()) for k, v in rows.items()}).values()
    np.testing.assert_allclose(answer, model.predict(data.test, verbose=0), atol=1e-5)


def test_penguins_are_known_by_their_measurements(shared_data):
    data = dk.data.load("penguins", batch_size=16)
    model = dk.models.build("perceptron", data, seed=0, learning_rate=0.03)
    model.fit(data.train, epochs=15, verbose=0)
    assert model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"] > 0.95


def test_auto_mpg_is_far_better_than_the_mean(shared_data):
    data = dk.data.load("auto_mpg", batch_size=16)
    model = dk.models.build("mlp", data, units=(32,), seed=0, learning_rate=0.01)
    model.fit(data.train, epochs=25, verbose=0)
    miles = batches(data.test)[1]
    mean_error = np.abs(miles - batches(data.train)[1].mean()).mean()
    assert mean_error > 6
    assert model.evaluate(data.test, verbose=0, return_dict=True)["mae"] < mean_error / 2


def test_a_cross_shows_a_straight_line_what_it_cannot_see():
    """Exclusive or: a line through the plane of two columns leaves one corner in four wrong."""
    random = np.random.default_rng(0)
    left, right = random.integers(0, 2, (2, 400))
    table = {"left": left.astype(str), "right": right.astype(str), "y": left ^ right}
    accuracies = []
    for crosses in ((), [("left", "right")]):
        data = dk.data.from_dataframe(
            table, "y", crosses=crosses, kinds={"left": "category", "right": "category"}
        )
        model = dk.models.build("perceptron", data, seed=0, learning_rate=0.1)
        model.fit(data.train, epochs=8, verbose=0)
        accuracies.append(model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"])
    assert accuracies[0] < 0.9
    assert accuracies[1] == 1


# ------------------------------------------------------------------ what is read


def test_a_file_and_a_frame_give_the_same_pipelines(tmp_path):
    frame = pd.DataFrame(people())
    frame.loc[3, "age"] = np.nan
    frame.to_csv(tmp_path / "people.csv", index=False)
    by_file = dk.data.from_csv(tmp_path / "people.csv", "rich")
    by_frame = dk.data.from_dataframe(frame, "rich", name="people")
    assert (by_file.name, by_file.feature_names) == ("people", by_frame.feature_names)
    for split in ("train", "val", "test"):
        for one, two in zip(
            batches(getattr(by_file, split)), batches(getattr(by_frame, split)), strict=True
        ):
            np.testing.assert_array_equal(one, two)


def test_preparing_each_batch_gives_what_preparing_all_gave():
    first, second = (dk.data.from_dataframe(people(), "rich", cache=c) for c in (True, False))
    for one, two in zip(first.train, second.train, strict=True):
        np.testing.assert_allclose(one[0], two[0], atol=1e-6)
        np.testing.assert_array_equal(one[1], two[1])


def test_labels_with_stray_blanks_are_one_class(tmp_path):
    lines = [f"{i % 10},{['yes', ' yes', 'no ', 'no'][i % 4]}" for i in range(80)]
    (tmp_path / "a.csv").write_text("\n".join(["x,y", *lines]))
    assert dk.data.from_csv(tmp_path / "a.csv", "y", batch_size=8).class_names == ("no", "yes")
    frame = pd.read_csv(tmp_path / "a.csv")
    assert dk.data.from_dataframe(frame, "y", batch_size=8).class_names == ("no", "yes")


def test_a_test_file_of_its_own(tmp_path):
    frame = pd.DataFrame(people())
    frame.to_csv(tmp_path / "train.csv", index=False)
    frame.head(7).to_csv(tmp_path / "test.csv", index=False)
    data = dk.data.from_csv(tmp_path / "train.csv", "rich", test=tmp_path / "test.csv")
    features, labels = batches(data.test)
    np.testing.assert_array_equal(labels, frame["rich"].head(7))
    assert len(batches(data.train)[1]) == 180
    np.testing.assert_allclose(features, prepared(data, data.examples[0]), atol=1e-6)


# ------------------------------------------------------------------ nothing leaks


def test_nothing_is_learned_from_validation_and_test_rows():
    """Spoil every row outside the training split: the preprocessing stays as it was."""
    table = {name: np.array(values) for name, values in people().items()}
    table["row"] = np.arange(200.0)
    before = dk.data.from_dataframe(table, "rich", batch_size=16)
    place = before.feature_names.index("row")
    rows = np.concatenate([x[:, place] for x, _ in before.train.as_numpy_iterator()])
    # The training rows themselves, found again by undoing what scikit-learn says was done.
    every = prepared(before, {n: v for n, v in table.items() if n != "rich"})[:, place]
    training = np.isin(np.round(every, 4), np.round(rows, 4))
    assert training.sum() == len(rows) == 144
    spoiled = {name: values.astype(object) for name, values in table.items()}
    for name, value in (("age", 1e6), ("job", "king"), ("born", "2500-01-01"), ("row", -1e9)):
        spoiled[name][~training] = value
    after = dk.data.from_dataframe(spoiled, "rich", batch_size=16)
    assert after.feature_names == before.feature_names
    assert after.columns == before.columns
    again = dk.data.from_dataframe(table, "rich", batch_size=16)  # its first epoch
    for one, two in zip(again.train, after.train, strict=True):
        np.testing.assert_array_equal(one[0], two[0])
    scaler = StandardScaler().fit(table["age"][training, None])
    expected = scaler.transform(table["age"][:, None])[:, 0]
    np.testing.assert_allclose(
        prepared(before, {n: v for n, v in table.items() if n != "rich"})[:, 0], expected, atol=1e-5
    )


def test_classes_are_shared_out_alike():
    data = dk.data.from_dataframe(people(rich=np.arange(200) % 10 == 0), "rich", batch_size=16)
    shares = [batches(split)[1].mean() for split in (data.train, data.val, data.test)]
    assert shares == pytest.approx([0.1, 0.125, 0.1], abs=0.03)


# ------------------------------------------------------------------ what is shown


def test_the_summary_tells_the_columns(capsys):
    with pytest.warns(UserWarning, match="Column 'empty' is dropped: all values are missing"):
        data = dk.data.from_dataframe(
            people(empty=[None] * 200), "rich", crosses=[("age", "job")], name="people"
        )
    data.summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "people: binary, 2 classes (0, 1)"
    assert lines[1] == f"network input  features ({len(data.feature_names)},) float32"
    assert lines[2].startswith("column         age: numeric, mean 50.")
    assert lines[3:7] == [
        "column         job: category, 3 values",
        "column         born: date, 1971-02-28 to 1990-05-17",
        "column         empty: drop, all values are missing",
        "column         age x job: cross, combinations in 64 bins",
    ]
    figure = data.show(count=4)
    assert [axis.get_title() for axis in figure.axes] == [
        "age",
        "born year",
        "born day",
        *["born month=Feb"],  # in no row it is January
    ]


# ------------------------------------------------------------------ what is served


def ask(url, rows):
    body = json.dumps({"instances": rows}).encode()  # NaN as Python and TF Serving write it
    request = urllib.request.Request(f"{url}:predict", body)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return np.array(json.loads(answer.read())["predictions"])


def test_rows_as_json_get_the_answers_of_keras(shared_data, tmp_path):
    """A model of the catalogue, trained by the job of the command line and served."""
    job = Job("mlp", "titanic", epochs=1, options={"units": (8,)})
    run = jobs.train_job(job, run="titanic", base=tmp_path)
    assert jobs.evaluate_run(run)["accuracy"] > 0.4
    version = jobs.export_run(run, tmp_path / "titanic")
    rows = [
        {"Pclass": "3", "Sex": "male", "Age": 22.0, "SibSp": 1, "Parch": 0, "Fare": 7.25},
        {"Pclass": "1", "Sex": "female", "Age": float("nan"), "SibSp": 1, "Parch": 0, "Fare": 80},
        {"Pclass": "9", "Sex": "?", "Age": 4, "SibSp": 0, "Parch": 2, "Fare": 1e4},
    ]
    for row, port in zip(rows, ("S", "", "Atlantis"), strict=True):
        row["Embarked"] = port
    data = job.load_data()
    columns = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    columns = {k: v.astype("float32") if v.dtype.kind in "if" else v for k, v in columns.items()}
    model = keras.saving.load_model(run / "best.keras")
    expected = model.predict(prepared(data, columns), verbose=0)
    raw, _ = data.examples
    with dk.serving.Server(version.parent, rest_port=0) as server:
        np.testing.assert_allclose(ask(server.url, rows), expected, atol=1e-6)
        with dk.serving.Client(server.url) as client:
            answers = client.predict(raw)
    np.testing.assert_allclose(answers, model.predict(prepared(data, raw), verbose=0), atol=1e-6)


def test_dates_hashes_and_crosses_are_served_from_raw_columns(tmp_path):
    """Gaps and values that training never saw too, each by its column's name."""
    table = people()
    table["street"] = np.array([f"street {row % 90}" for row in range(200)], object)
    table["age"][:20] = np.nan
    data = dk.data.from_dataframe(
        table, "rich", kinds={"street": "hash"}, crosses=[("age", "job")], hash_bins=8
    )
    kinds = {column.name: column.kind for column in data.columns}
    assert kinds == {
        **{"age": "numeric", "job": "category", "born": "date", "street": "hash"},
        "age x job": "cross",
    }
    model = dk.models.build("mlp", data, units=(8,), seed=0)
    model.fit(data.train, epochs=1, verbose=0)
    version = dk.export.saved_model(model, tmp_path / "people", data=data)
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    assert set(served.structured_input_signature[1]) == {"age", "job", "born", "street"}
    rows = data.origin.raw(data.origin.split.test)
    (answer,) = served(**{name: tf.constant(v.tolist()) for name, v in rows.items()}).values()
    np.testing.assert_allclose(answer, model.predict(data.test, verbose=0), atol=1e-5)
    new = {"age": [np.nan, 30], "job": ["pilot", "?"], "born": ["", "1990-05-17"]}
    new["street"] = ["elsewhere", "NA"]
    (answer,) = served(**{name: tf.constant(v) for name, v in new.items()}).values()
    assert np.isfinite(answer).all() and np.ptp(answer) > 0


def test_columns_that_differ_in_case_keep_their_values():
    table = people()
    table["AGE"] = table["age"] + 1000
    data = dk.data.from_dataframe(table, "rich")
    model = keras.Sequential([keras.Input((len(data.feature_names),)), keras.layers.Identity()])
    signature, _, (_, answers) = prepare_export(model, data)
    assert sorted(signature.inputs) == ["AGE", "age_1", "born", "job"]
    (answer,) = answers.values()
    np.testing.assert_allclose(answer, batches(data.test)[0][:3], atol=1e-6)


def write(path, frame, **options):
    frame.to_csv(path, index=False, **options)
    return path


def refusal(url, row):
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(url, [row])
    assert caught.value.code == 400
    return json.loads(caught.value.read())


def trained(data, epochs=8):
    model = dk.models.build("perceptron", data, seed=0, learning_rate=0.1)
    model.fit(data.train, epochs=epochs, verbose=0)
    return model


def test_labels_of_many_digits_are_served_as_they_stand(tmp_path):
    """Neighbours that one float holds, from each source of a table."""
    names = ("9007199254740992", "9007199254740993")
    frame = pd.DataFrame({"x": np.arange(80) % 2, "text": ["ab", "cd"] * 40})
    frame["y"] = np.array([2**53, 2**53 + 1] * 40)
    path = write(tmp_path / "long.csv", frame)
    table = frame.drop(columns="text")
    nullable = table.astype({"y": "Int64"})
    made = [dk.data.from_dataframe(one, "y", batch_size=8) for one in (table, nullable)]
    made.append(dk.data.from_csv(path, "y", batch_size=8))
    made.append(dk.data.from_dataframe({**table, "y": table["y"].tolist()}, "y", batch_size=8))
    options = {"text_column": "text", "label_column": "y", "batch_size": 8}
    made.append(dk.data.from_text_table(path, **options))
    assert [data.class_names for data in made] == [names] * 5
    version = dk.export.saved_model(trained(made[0]), tmp_path / "long", data=made[0])
    served = tf.saved_model.load(str(version)).signatures["labels"]
    found = served(x=tf.constant([0.0, 1.0]))["classes"][:, 0].numpy().tolist()
    assert found == [name.encode() for name in names]


def test_codes_that_would_be_one_number_are_told_apart_and_served(tmp_path):
    """What depends on the zeros alone is learned, and asked for by the same texts."""
    pairs = {
        **{"zip": ["02116", "2116"], "short": ["0010", "10"], "power": ["1E5", "100000"]},
        "long": np.array([2**53, 2**53 + 1]),
    }
    table = pd.DataFrame({name: np.tile(pair, 100) for name, pair in pairs.items()})
    table["y"], table["x"] = np.tile([0, 1], 100), np.arange(200) % 7
    given = {"power": "category", "long": "category"}
    data = dk.data.from_dataframe(table, "y", kinds={**given, "short": "hash"})
    assert data.feature_names[1:3] == ("zip=02116", "zip=2116")
    for name in pairs:
        one, both = (data.origin.raw(np.array(rows)) for rows in ([0, 0], [0, 1]))
        assert both[name].tolist() == [str(code) for code in pairs[name]]
        rows = prepared(data, {**one, name: both[name]})
        assert (rows[0] != rows[1]).sum() == 2, name
    alone = dk.data.from_dataframe(table[["zip", "x", "y"]], "y")
    model = trained(alone)
    assert model.evaluate(alone.test, verbose=0, return_dict=True)["accuracy"] == 1
    version = dk.export.saved_model(model, tmp_path / "codes", data=alone)
    served = tf.saved_model.load(str(version)).signatures["labels"]
    found = served(zip=tf.constant(pairs["zip"]), x=tf.zeros(2))["classes"]
    assert found[:, 0].numpy().tolist() == [b"0", b"1"]


@pytest.fixture(scope="module")
def flags():
    random = np.random.default_rng(0)
    table = pd.DataFrame({"x": random.normal(size=200), "flag": random.random(200) < 0.4})
    table["y"] = table["flag"] ^ (random.random(200) < 0.05)
    return table


def test_booleans_are_the_same_from_a_file_and_a_frame(tmp_path, flags):
    spelled = flags.replace({"flag": {True: "TRUE", False: "false"}})
    by_file = dk.data.from_csv(write(tmp_path / "flags.csv", spelled), "y", batch_size=16)
    by_frame = dk.data.from_dataframe(flags, "y", batch_size=16)
    assert by_file.columns == by_frame.columns
    assert [column.kind for column in by_file.columns] == ["numeric", "boolean"]
    assert by_file.class_names == by_frame.class_names == ("False", "True")
    for one, two in zip(batches(by_file.test), batches(by_frame.test), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)
    assert by_frame.examples[0]["flag"].dtype == bool


def test_booleans_are_asked_as_booleans_of_every_runtime(tmp_path, flags):
    """Over REST, gRPC and from a file, and whatever is no boolean is refused."""
    data = dk.data.from_dataframe(flags, "y", batch_size=16)
    model = trained(data)
    version = dk.export.saved_model(model, tmp_path / "flags", data, runtimes=["onnx", "litert"])
    rows = {"x": np.float32([0.5, 0.5]), "flag": np.array([True, False])}
    expected = model.predict(prepared(data, rows), verbose=0)
    assert expected[0] > 0.9 and expected[1] < 0.1
    frame = pd.DataFrame(rows)
    text = write(tmp_path / "ask.csv", frame.replace({"flag": {True: "true", False: "FALSE"}}))
    for runtime in ("tensorflow", "onnx", "litert"):
        with dk.serving.Server(version.parent, rest_port=0, runtime=runtime, grpc_port=0) as server:
            asked = [{"x": 0.5, "flag": True}, {"x": 0.5, "flag": False}]
            np.testing.assert_allclose(ask(server.url, asked), expected, atol=1e-5)
            for wrong in ("true", "TRUE", "1", 1, None):
                answer = refusal(server.url, {"x": 0.5, "flag": wrong})
                assert "A boolean is written true or false" in answer["hint"], answer
            with dk.serving.Client(server.url) as client:
                for inputs in (frame, rows, read_inputs(text)):
                    np.testing.assert_allclose(client.predict(inputs), expected, atol=1e-5)
            with dk.serving.GrpcClient(server.grpc_target, "flags") as client:
                for inputs in (frame, rows, read_inputs(text)):
                    np.testing.assert_allclose(client.predict(inputs), expected, atol=1e-5)


def test_booleans_with_gaps_are_numbers_with_gaps(tmp_path, flags):
    frame = flags.astype({"flag": object})
    frame.loc[::7, "flag"] = None
    path = write(tmp_path / "gaps.csv", frame)
    data = dk.data.from_csv(path, "y", batch_size=16)
    assert data.feature_names == ("x", "flag", "flag missing")
    assert data.columns == dk.data.from_dataframe(frame, "y", batch_size=16).columns
    model = trained(data)
    version = dk.export.saved_model(model, tmp_path / "gaps", data=data)
    rows = {"x": np.zeros(3, np.float32), "flag": np.float32([1, 0, np.nan])}
    expected = model.predict(prepared(data, rows), verbose=0)
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    gaps = pd.DataFrame({"x": [0.0] * 3, "flag": [True, False, None]})
    takes = Signature({"x": TensorInfo("DT_FLOAT"), "flag": TensorInfo("DT_FLOAT")}, {})
    for table in (prepare_inputs(gaps), read_inputs(write(tmp_path / "ask.csv", gaps))):
        asked = {name: tf.constant(values) for name, values in table.fitted(takes).items()}
        (answer,) = served(**asked).values()
        np.testing.assert_allclose(answer, expected, atol=1e-6)


def test_a_rare_boolean_counts_in_a_cross():
    """Exclusive or, of which one side is true in a row of twenty."""
    random = np.random.default_rng(0)
    rare, other = random.random(2000) < 0.05, random.random(2000) < 0.5
    table = {"rare": rare, "other": other, "y": rare & other}
    data = dk.data.from_dataframe(table, "y", crosses=[("rare", "other")])
    crossed = batches(data.test)[0][:, 2:]
    assert len(np.unique(crossed.argmax(axis=1))) == 4


def test_a_file_of_another_country_is_read_learned_and_served(tmp_path):
    """Decimal commas, thousands and days first: as pandas reads them, and asked for as written."""
    random = np.random.default_rng(0)
    x, days = random.normal(size=400), pd.date_range("2022-11-01", periods=400)
    shown = pd.DataFrame(
        {
            "x": [f"{value:.3f}".replace(".", ",") for value in x],
            "price": [f"{1000 + 999 * abs(v):,.2f}".translate({44: 46, 46: 44}) for v in x],
            "day": days.strftime("%d.%m.%Y"),
            "y": np.where(x > 0, "up", "down"),
        }
    )
    path = write(tmp_path / "de.csv", shown, sep=";")
    with pytest.warns(UserWarning, match="looks like") as told:
        plain = dk.data.from_csv(path, "y", delimiter=";")
    assert len([w for w in told if "looks like" in str(w.message)]) == 3
    advice = {one.what: one.advice for one in plain.check(show=False)}
    assert advice["column x"] == "give decimal=','"
    assert advice["column price"] == "give decimal=',', give thousands='.'"
    assert advice["column day"] == "give dayfirst=True"
    marks = {"decimal": ",", "thousands": ".", "dayfirst": True}
    data = dk.data.from_csv(path, "y", delimiter=";", test=path, **marks)
    assert [column.kind for column in data.columns] == ["numeric", "numeric", "date"]
    theirs = pd.read_csv(
        path, sep=";", decimal=",", thousands=".", parse_dates=["day"], dayfirst=True
    )
    other = dk.data.from_dataframe(theirs, "y", test=theirs)
    assert other.feature_names == data.feature_names
    for one, two in zip(batches(data.test), batches(other.test), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
    model = trained(data)
    assert model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"] > 0.95
    version = dk.export.saved_model(model, tmp_path / "de", data=data)
    rows = [{"x": 0.37, "price": 1250.5, "day": day} for day in ("28.03.2023", "2023-03-28", "?")]
    with dk.serving.Server(version.parent, rest_port=0) as server:
        answers = ask(server.url, rows)
        assert answers[0] == answers[1] != answers[2]
        answer = refusal(server.url, {**rows[0], "day": "03/28/2023"})
        assert "Column day takes dates like 2026-11-21" in answer["error"]


POOLS = {
    "whole": ["0", "7", "-3", "16777217", ""],
    "long": [str(2**53), str(2**53 + 1), str(-(2**63)), str(2**64), "0"],
    "float": ["0.1", "-1e18", "1E-5", ".5", "3.", "3.0", "", "1e5"],
    "code": ["02116", "2116", "0", "00", "-01"],
    "power": ["1E5", "100000", "1e05"],
    "boolean": ["True", "TRUE", "true", "False", "false", "FALSE"],
    "gaps": ["true", "", "False"],
    "mixed": ["True", "1", "1.0", "yes", ""],
    "date": ["2024-02-29", "2024/02/29 13:00", "20240229", ""],
    "name": ["a", " b", "Ä ", "[UNK]", "nul", "tRUE", ""],
}


@pytest.mark.filterwarnings("ignore:Column")
@pytest.mark.parametrize("seed", range(12))
def test_a_client_sends_what_training_has_read(tmp_path, seed):
    """A file of odd cells, read for training and for `dlkit predict`, and as a frame."""
    random = np.random.default_rng(seed)
    columns = {name: random.choice(pool, 40) for name, pool in POOLS.items()}
    lines = [",".join(row) for row in zip(*columns.values(), strict=True)]
    body = [f"{line},{row % 2}" for row, line in enumerate(lines)]
    path = tmp_path / "odd.csv"
    path.write_text("\n".join([",".join([*columns, "y"]), *body]))
    texts = random.choice([*POOLS], 2, replace=False)
    kinds = dict.fromkeys(texts.tolist(), "category")
    data = dk.data.from_csv(path, "y", batch_size=8, kinds=kinds)
    found = read_inputs(path).fitted(_takes(data))
    for name, values in data.origin.raw(np.arange(40)).items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    # Typed by pandas: numbers and booleans are what they are, and texts what is left of them.
    frame = pd.read_csv(path, keep_default_na=False, na_values=[""], skipinitialspace=True)
    data = dk.data.from_dataframe(frame, "y", batch_size=8, kinds=kinds)
    found = prepare_inputs(frame).fitted(_takes(data))
    for name, values in data.origin.raw(np.arange(40)).items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def _takes(data):
    dtypes = {"f": "DT_FLOAT", "b": "DT_BOOL", "O": "DT_STRING"}
    raw = data.origin.raw(np.arange(1))
    return Signature({n: TensorInfo(dtypes[v.dtype.kind]) for n, v in raw.items()}, {})


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ({}, {"target": "richt"}, r"no column 'richt' to predict\. Did you mean 'rich'\? Its col"),
        ({"rich": ["yes"] * 200}, {}, r"All targets are of one class \('yes'\)"),
        ({"rich": [1] * 199 + [None]}, {}, r"1 of 200 rows have no target 'rich', .* row 200"),
        ({}, {"kinds": {"agge": "drop"}}, r"kinds names the column 'agge', .* mean 'age'"),
        ({}, {"crosses": [("age", "jab")]}, r"crosses names the column 'jab', .* mean 'job'"),
        ({}, {"crosses": ["age"]}, r"as \[\('age', 'job'\)\]\. Received: 'age'"),
        ({}, {"crosses": [("age", "age")]}, r"different columns.* Received: \('age', 'age'\)"),
        ({}, {"crosses": [("age", "born")]}, r"the column 'born' is of kind 'date'; give kinds"),
        ({}, {"kinds": dict.fromkeys(("age", "job", "born"), "drop")}, r"No column is left to lea"),
        ({}, {"task": "multiclas"}, r"task='multiclas'\. Did you mean 'multiclass'"),
        ({}, {"hash_bins": 1}, r"hash_bins must be a whole number of at least 2"),
        ({}, {"max_categories": 0}, r"max_categories must be .* Received: max_categories=0"),
        ({}, {"val_fraction": 1}, r"val_fraction must be in \[0, 1\)"),
        ({}, {"test": {"age": [1.0]}}, r"The test table has no column 'rich', which the training"),
        ({}, {"augment": "flip"}, r"augment='flip' moves pixels and needs images"),
    ],
)
def test_what_cannot_be_used_is_said(table, options, message):
    options = {"target": "rich", **options}
    with pytest.raises(InputError, match=message):
        dk.data.from_dataframe(people(**table), options.pop("target"), **options)


def test_a_test_value_of_another_kind_is_named():
    test = {name: values[:3].astype(object) for name, values in people().items()}
    test["age"][1] = "old"
    with pytest.raises(InputError, match=r"value 'old' in row 2 of the test rows is not a number"):
        dk.data.from_dataframe(people(), "rich", test=test)


def test_a_target_goes_by_the_name_that_its_table_has(tmp_path):
    path = tmp_path / "cars.csv"
    path.write_text("weight,km/h\n" + "".join(f"{i},{i}.5\n" for i in range(20)))
    data = dk.data.from_csv(path, "km/h", batch_size=4)
    assert sorted(data.origin.targets.values.tolist()) == [i + 0.5 for i in range(20)]
    table = {0: list(range(20)), 1: ["a", "b"] * 10}
    assert dk.data.from_dataframe(table, 1, batch_size=4).class_names == ("a", "b")


def test_a_file_without_the_target_is_named(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("age;rich\n1;2\n")
    with pytest.raises(InputError, match=r"people\.csv has no column 'rich'.* another delimiter"):
        dk.data.from_csv(path, "rich")
    path.write_text("rich\n1\n")
    with pytest.raises(InputError, match=r"no column besides the target 'rich' to learn from"):
        dk.data.from_csv(path, "rich")
    with pytest.raises(InputError, match=r"from_csv has no option 'batchsize'\. .* 'batch_size'"):
        dk.data.from_csv(path, "rich", batchsize=3)
