"""Texts in, texts out, whatever the tokens are."""

import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError

LINE = "she sells sea shells by the shore\n"
TOKENS = {"character": {}, "word": {}, "bpe": {"vocabulary_size": 270}}


@pytest.fixture(params=TOKENS)
def data(request, tmp_path):
    (tmp_path / "sea.txt").write_text(LINE * 200)
    options = {"window": 24, "batch_size": 8, "tokens": request.param, **TOKENS[request.param]}
    return dk.data.from_text_file(tmp_path / "sea.txt", **options)


def test_what_was_learned_is_written(data):
    size = {"hidden_dim": 16, "depth": 1, "num_heads": 2}
    model = dk.models.build("gpt", data, learning_rate=2e-2, seed=0, **size)
    model.fit(data.train, epochs=4 if len(data.train) > 10 else 30, verbose=0)
    written = dk.data.generate(model, data, ["she sells", "the shore"], 4, temperature=0)
    for prompt, text in zip(("she sells", "the shore"), written, strict=True):
        assert text.startswith(prompt) and len(text) > len(prompt)
        assert " ".join(text.split()) in " ".join((LINE * 3).split())


def test_ids_become_the_texts_that_they_stand_for(data):
    ids = next(iter(data.test))[0].numpy()
    texts = [text.decode() for text in data.postprocessing(ids).numpy()]
    assert texts == dk.data.decode_tokens(data, ids)
    padded = np.pad(ids, ((0, 0), (3, 2)))
    assert [text.decode() for text in data.postprocessing(padded).numpy()] == texts


def test_bad_requests_are_refused(data):
    model = dk.models.build("gpt", data, hidden_dim=4, depth=1, num_heads=1)
    for prompts, length, words in (
        ("she", 4, "prompts must be one text or more"),
        ([], 4, "prompts must be one text or more"),
        (["she"], 0, "length must be"),
        (["she"], 24, "Received: length=24"),
    ):
        with pytest.raises(InputError, match=words):
            dk.data.generate(model, data, prompts, length)
    with pytest.raises(InputError, match="which has no generate"):
        dk.data.generate(object(), data, ["she"], 4)
    with pytest.raises(InputError, match="'iris' of task 'multiclass'"):
        dk.data.generate(model, dk.data.load("iris"), ["she"], 4)
