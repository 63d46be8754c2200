import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models.sequence.inputs import sequence_input


def test_numbers_are_taken_as_they_are():
    inputs, x, mask = sequence_input((5, 2), None, 8)
    assert (x is inputs, mask, inputs.dtype) == (True, None, "float32")


@pytest.mark.parametrize(
    ("shape", "size", "words"),
    [
        ((5,), None, "Tokens need vocab_size"),
        ((5, 2), 9, "vocab_size is for tokens"),
        ((5,), 1, "vocab_size must be"),
        ((5,), 9.5, "vocab_size must be"),
    ],
)
def test_a_vocabulary_that_does_not_fit_is_refused(shape, size, words):
    with pytest.raises(InputError, match=words):
        sequence_input(shape, size, 8)


def test_build_asks_the_data_how_many_tokens_there_are(tmp_path):
    for label, text in (("kind", "well done my friend"), ("rude", "go away you fool")):
        (tmp_path / label).mkdir()
        for number in range(12):
            (tmp_path / label / f"{number}.txt").write_text(f"{text} {'very ' * number}")
    data = dk.data.from_text_folder(tmp_path, batch_size=2)
    model = dk.models.build("rnn", data, seed=0)
    assert model.layers[1].input_dim == len(data.vocabulary)
    model.fit(data.train, epochs=1, verbose=0)
    texts = np.array(["you fool", "nothing of this is known"])
    assert model.predict(data.preprocessing(texts), verbose=0).shape == (2, 1)
