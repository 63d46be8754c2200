import json

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.export import saved_model


def card_of(version):
    return json.loads((version / "assets.extra" / "model_card.json").read_text(encoding="utf-8"))


def test_the_card_tells_the_data_and_its_splits(digits):
    card = card_of(digits.version)
    assert (card["data"], card["kind"], card["task"]) == ("digits", "image", "multiclass")
    assert sum(card["splits"].values()) == 1797  # all of scikit-learn's digits
    assert card["splits"]["test"] == 360
    assert card["notes"] == {}


def test_notes_are_kept(tiny, tmp_path):
    notes = {"seed": 7, "limits": "Only for r\u00f6ses.", "metrics": {"accuracy": 0.5}}
    card = card_of(saved_model(tiny, tmp_path / "tiny", notes=notes))
    assert card["notes"] == notes
    assert card["splits"] is None and card["test"] is None


def test_the_card_tells_what_each_column_is_sent_as(tmp_path):
    inputs = {name: keras.Input((), name=name) for name in ("Age", "hours per week", "class")}
    model = keras.Model(inputs, keras.ops.stack(list(inputs.values()), axis=1))
    card = card_of(saved_model(model, tmp_path / "people"))
    assert card["inputs"] == {
        **{"Age": "Age", "class": "arg_class", "hours per week": "hours_per_week"},
    }


@pytest.mark.parametrize("notes", [{"seed": np.int64(3)}, {"loss": float("nan")}, 5])
def test_notes_that_are_no_json(notes, tiny, tmp_path):
    with pytest.raises(InputError, match=r"what JSON can hold\. Received: notes="):
        saved_model(tiny, tmp_path / "tiny", notes=notes)
    assert not list(tmp_path.iterdir())
