"""Each architecture on tables of every sort, and what it says of options that it has not."""

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models.table.tabular import ARCHITECTURES

SMALL = {
    "tabm": {"members": 4, "units": (16,), "embedding_dim": 4},
    "wide_and_deep": {"units": (16,), "embedding_dim": 4},
    "ft_transformer": {"embedding_dim": 8, "depth": 1, "num_heads": 2},
}
FAST = {"seed": 0, "learning_rate": 0.01, "steps_per_execution": 6}


def table(task, rows=240):
    """Return a table of hard columns, whose target is of a category, a gap and a step."""
    random = np.random.default_rng(0)
    word, step = random.choice(["a", "b", "c"], rows), random.normal(size=rows)
    gaps = np.where(random.random(rows) < 0.3, np.nan, random.normal(size=rows))
    score = np.stack([word == "b", step > 0.3, np.isnan(gaps)]).sum(axis=0)
    target = {
        "binary": score > 1,
        "multiclass": score.astype(str),
        "regression": 1000.0 + 50 * score,
    }
    return {
        "word": word,
        "step": step,
        "gaps": gaps,
        "constant": np.full(rows, 7.0),
        "huge": 10**15 + random.integers(0, 10**6, rows),
        "few": random.integers(0, 3, rows),
        "target": target[task],
    }


@pytest.mark.parametrize(
    ("architecture", "task"),
    [
        ("tabm", "binary"),
        ("tabm", "regression"),
        ("wide_and_deep", "multiclass"),
        ("ft_transformer", "regression"),
    ],
)
def test_a_table_of_hard_columns_is_learned(architecture, task):
    data = dk.data.from_dataframe(table(task), "target", task=task, batch_size=32)
    model = dk.models.build(
        "tabular", data, architecture=architecture, **SMALL[architecture], **FAST
    )
    model.fit(data.train, epochs=15, verbose=0)
    found = model.evaluate(data.test, verbose=0, return_dict=True)
    if task == "regression":
        assert found["mae"] < 25  # a deviation is 42
    else:
        assert found["accuracy"] > {"binary": 0.85, "multiclass": 0.7}[task]


@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
def test_a_table_without_numbers_is_learned_from_its_categories(architecture):
    random = np.random.default_rng(0)
    words = {name: random.choice(["a", "b", "c"], 240) for name in ("first", "second")}
    target = (words["first"] == "a") & (words["second"] != "b")
    data = dk.data.from_dataframe({**words, "target": target}, "target", batch_size=32)
    assert not any(data.bin_edges)
    model = dk.models.build(
        "tabular", data, architecture=architecture, **SMALL[architecture], **FAST
    )
    model.fit(data.train, epochs=15, verbose=0)
    assert model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"] > 0.95


@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
def test_its_export_answers_as_the_model_does_from_raw_columns(architecture, tmp_path):
    data = dk.data.from_dataframe(table("binary"), "target", batch_size=32)
    model = dk.models.build(
        "tabular", data, architecture=architecture, **SMALL[architecture], **FAST
    )
    version = dk.export.saved_model(model, tmp_path / "table", data=data)
    assert (version / "saved_model.pb").exists()  # it is compared with the model as it is written


@pytest.mark.parametrize("architecture", ["wide_and_deep", "ft_transformer"])
def test_the_other_architectures_are_saved_too(architecture, tmp_path):
    edges, columns = ((-1.0, 0.0, 1.0), (), (), ()), (0, 1, 1, 0)
    model = dk.models.tabular(
        *((4,), 3),
        architecture=architecture,
        bin_edges=edges,
        feature_columns=columns,
        **SMALL[architecture],
        **FAST,
        jit_compile=False,
        mixed_precision="mixed_bfloat16",
    )
    x, y = np.random.default_rng(0).normal(size=(6, 4)).astype("float32"), np.arange(6) % 3
    assert np.isfinite(model.train_on_batch(x, y)[0])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(again(x), model(x))
    assert again(x).dtype == "float32"


def test_build_gives_it_the_bins_and_the_columns_of_the_data():
    data = dk.data.from_dataframe(table("binary"), "target", batch_size=32)
    model = dk.models.build("tabular", data, architecture="wide_and_deep", seed=0)
    assert model.get_layer("piecewise_linear").bin_edges == tuple(e for e in data.bin_edges if e)
    assert model.get_layer("columns").feature_columns == (0, 1, 2, 2, 2)  # gap, constant, word
    plain = dk.models.build("tabular", data, bin_edges=None, seed=0)
    assert "piecewise_linear" not in [layer.name for layer in plain.layers]


def test_weights_of_examples_and_a_named_loss_reach_the_members():
    data = dk.data.from_dataframe(table("binary"), "target", batch_size=32).balanced("weights")
    model = dk.models.build("tabular", data, loss="focal", **SMALL["tabm"], **FAST)
    history = model.fit(data.train, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all() and history["loss"][1] < history["loss"][0]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"architecture": "tabmini"}, "architecture must be one of.*'tabmini'"),
        ({"depth": 3}, "depth is an option of architecture='ft_transformer'.*depth=3.*'tabm'"),
        (
            {"architecture": "ft_transformer", "units": (8,)},
            r"'tabm' or 'wide_and_deep': leave it out.*units=\(8,\)",
        ),
        ({"architecture": "wide_and_deep", "members": 2}, "architecture='tabm'.*members=2"),
        (
            {"architecture": "ft_transformer", "embedding_dim": 6},
            "num_heads=4 does not divide embedding_dim=6; num_heads=3 does",
        ),
        ({"members": 0}, "members must be.*members=0"),
        ({"units": "ab"}, "units must be whole numbers.*'ab'"),
        ({"embedding_dim": 0, "bin_edges": [(0, 1), ()]}, "0"),
        ({"dropout": 1.5}, r"dropout must be.*1\.5"),
        ({"activation": "rellu"}, "activation must be.*'rellu'"),
        ({"bin_edges": [(0, 1)]}, "each of the 2 features.*1 entries"),
        ({"bin_edges": [(1, 0), ()]}, "finite and rise"),
        ({"feature_columns": [0, 2]}, r"none left out.*\[0, 2\]"),
    ],
)
def test_what_cannot_be_used_is_refused(options, told):
    with pytest.raises(InputError, match=told):
        dk.models.tabular((2,), 2, **options)


def test_no_columns_and_other_inputs_are_refused():
    with pytest.raises(InputError, match=r"input_shape\[0\].*0"):
        dk.models.tabular((0,), 2)
    with pytest.raises(InputError, match=r"tabular needs features \(count,\).*\(8, 8, 1\)"):
        dk.models.tabular((8, 8, 1), 2)
