"""Spoken digits: the published split, and pictures of them."""

import numpy as np
import pytest
import scipy.io.wavfile

import dlkit as dk
from dlkit.data.audio import sources
from dlkit.data.catalogue import cache, loading
from dlkit.errors import InputError
from tests.data.arrays.test_from_arrays import batches


@pytest.fixture(scope="module")
def digits(shared_data, tmp_path_factory):
    """Return the set and the folder that its recordings were unpacked into."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        data = dk.data.load("spoken_digits", augment=False)
        return data, cache.unpack_published(sources.SPOKEN_DIGITS)


def test_the_test_split_is_the_published_one(digits):
    data, folder = digits
    held = sorted(folder.glob("*/recordings/*_[0-4].wav"))
    assert len(held) == 300
    np.testing.assert_array_equal(batches(data.test)[1], [int(path.name[0]) for path in held])
    shown = np.linspace(0, 299, 32).round().astype(int)
    for row, waveform in zip(shown, data.examples[0], strict=True):
        rate, samples = scipy.io.wavfile.read(held[row])
        assert rate == 8000
        heard = np.pad(samples, (0, 6400))[:6400] / 2**15
        np.testing.assert_allclose(waveform, heard, atol=1e-7)


def test_the_facts_of_the_catalogue_are_those_of_the_data(digits):
    data, _ = digits
    info = loading.find_info("spoken_digits")
    parts = [len(batches(split)[1]) for split in (data.train, data.val, data.test)]
    assert sum(parts) == info.examples and parts[2] == 300
    assert (data.kind, data.task, data.name) == (info.kind, info.task, info.name)
    assert data.class_names == tuple("0123456789")
    assert data.input_spec["audio"].shape == (49, 32, 1)


def test_an_unknown_option_is_refused(shared_data):
    with pytest.raises(
        InputError, match=r"spoken_digits has no option 'mel'\. Did you mean 'mels'"
    ):
        dk.data.load("spoken_digits", mel=3)
