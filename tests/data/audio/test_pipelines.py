"""Audio pipelines on real speech: trained on, exported, repeatable."""

import csv
import pathlib

import numpy as np
import pytest
import scipy.io.wavfile
import tensorflow as tf

import dlkit as dk
from dlkit.data.audio import sources
from dlkit.data.catalogue import cache
from dlkit.errors import InputError
from tests.data.arrays.test_from_arrays import batches


@pytest.fixture(scope="module")
def recordings(shared_data, tmp_path_factory):
    """Return the folder of spoken digits, unpacked into a temporary cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        folder = cache.unpack_published(sources.SPOKEN_DIGITS)
    return folder / "free-spoken-digit-dataset" / "recordings"


def write_tables(folder, recordings, **takes):
    """Write a table a split with those takes of 4 digits by each of 6 speakers."""
    for split, chosen in takes.items():
        with open(folder / f"{split}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["file", "digit"])
            for path in sorted(recordings.glob("[0-3]_*.wav")):
                digit, _, take = path.stem.split("_")
                if int(take) in chosen:
                    writer.writerow([path, ("zero", "one", "two", "three")[int(digit)]])
    return folder


@pytest.fixture(scope="module")
def tables(recordings, tmp_path_factory):
    """Return tables of a few recordings: 4 takes to train on, one to test."""
    folder = tmp_path_factory.mktemp("tables")
    return write_tables(folder, recordings, train=range(5, 9), test=range(1))


def load(tables, **options):
    options = {"sample_rate": 8000, "seconds": 0.6, "mels": 24, "batch_size": 32, **options}
    return dk.data.from_audio_table(tables / "train.csv", test=tables / "test.csv", **options)


def test_a_small_network_tells_spoken_digits_apart_and_is_served_their_files(recordings, tmp_path):
    """20 takes to train on, the published 5 to test; a quarter is the share of any digit."""
    tables = write_tables(tmp_path, recordings, train=range(5, 25), test=range(5))
    data = load(tables, augment="light", name="digits")
    assert data.class_names == ("one", "three", "two", "zero")
    schedule = dk.training.OneCycle(4e-3, 5 * len(data.train))
    model = dk.models.build("cnn", data, filters=(16, 32), seed=0, learning_rate=schedule)
    model.fit(data.train, epochs=5, verbose=0)
    assert model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"] > 0.75

    version = dk.export.saved_model(model, tmp_path / "digits", data=data)
    signatures = tf.saved_model.load(version).signatures
    trained_on = model.predict(data.test, verbose=0)
    waveforms, labels = data.examples
    assert waveforms.shape == (32, 4800) and 0 < np.abs(waveforms).max() <= 1
    shown = np.linspace(0, len(trained_on) - 1, 32).round().astype(int)
    (answer,) = signatures["serving_default"](waveform=tf.constant(waveforms)).values()
    np.testing.assert_allclose(answer, trained_on[shown], atol=1e-5)
    assert labels.tolist() == batches(data.test)[1][shown].tolist()

    rows = csv.DictReader((tables / "test.csv").read_text().splitlines())
    paths = [pathlib.Path(row["file"]) for row in rows][:8]
    contents = tf.constant([path.read_bytes() for path in paths])
    (answer,) = signatures["audio_bytes"](audio_bytes=contents).values()
    np.testing.assert_allclose(answer, trained_on[:8], atol=1e-5)


@pytest.mark.parametrize("augment", [None, ["noise", "time_mask"]])
def test_held_and_read_sounds_are_the_same_on_any_number_of_threads(tables, augment):
    def first_epoch(threads, **options):
        data = load(tables, augment=augment, seed=3, **options)
        pool = tf.data.Options()
        pool.threading.private_threadpool_size = threads
        return batches(data.train.with_options(pool))

    held, read = first_epoch(1), first_epoch(8, cache=False)
    np.testing.assert_allclose(held[0], read[0], atol=1e-5)
    np.testing.assert_array_equal(held[1], read[1])
    again = first_epoch(8)
    np.testing.assert_array_equal(held[0], again[0])
    np.testing.assert_array_equal(held[1], again[1])


def test_only_training_sounds_are_augmented_and_each_epoch_anew(tables):
    plain, changed = (load(tables, augment=a, mels=16) for a in (None, {"noise": 0.5}))
    np.testing.assert_allclose(batches(plain.test)[0], batches(changed.test)[0], atol=1e-5)
    one, two = batches(changed.train), batches(changed.train)
    assert not np.array_equal(one[0], two[0])


@pytest.mark.parametrize(
    ("features", "shape"),
    [("log_mel", (36, 24, 1)), ("mfcc", (36, 13, 1)), ("waveform", (4800, 1))],
)
def test_each_kind_of_feature_is_standardised(tables, features, shape):
    data = load(tables, features=features, coefficients=13)
    assert data.input_spec["audio"].shape == shape
    inputs = batches(data.train)[0]
    axes = (0, 1, 3) if len(shape) == 3 else (0, 1)
    np.testing.assert_allclose(inputs.mean(axis=axes), 0, atol=0.02)
    np.testing.assert_allclose(inputs.std(axis=axes), 1, atol=0.02)
    rows = np.array([3, 0])
    heard = data.preprocessing(data.origin.raw(rows))
    (first,) = data.origin.feed.batches(rows)
    np.testing.assert_allclose(heard, first[0], atol=1e-5)


def test_a_cache_on_the_disk_holds_what_is_augmented_raw(tables, tmp_path):
    data = load(tables, augment={"shift": 0.3}, mels=16)
    cached = data.cache_to(tmp_path / "cache")
    np.testing.assert_allclose(batches(cached.test)[0], batches(data.test)[0], atol=1e-5)
    one, two = batches(cached.train), batches(cached.train)
    assert not np.array_equal(one[0], two[0])
    assert sorted(one[1]) == sorted(batches(data.train)[1])


def test_silence_is_zeros_and_not_a_division_by_zero(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(10):
            path = tmp_path / name / f"{number}.wav"
            scipy.io.wavfile.write(path, 8000, np.zeros(4000, np.int16))
    data = dk.data.from_audio_folder(tmp_path, sample_rate=8000, seconds=0.3, batch_size=4)
    inputs, _ = batches(data.train)
    assert np.abs(inputs).max() < 1e-3
    assert batches(data.test)[1].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample_rate": 100}, "sample_rate must be a whole number of at least 1000.*100"),
        ({"seconds": 0}, "seconds must be a number of seconds above 0.*seconds=0"),
        ({"seconds": "1"}, "seconds='1'"),
        ({"features": "mel"}, "features must be one of: log_mel, mfcc, waveform.*'mel'"),
        ({"corrupt": "drop"}, "corrupt must be one of: error, skip.*'drop'"),
        ({"mels": 0}, "mels must be a whole number of at least 1.*mels=0"),
        ({"mels": 200}, "of mels=200 bands hold no frequency of a frame of 0.032 s at 8000 Hz"),
        ({"features": "mfcc", "coefficients": 25}, "at most mels=24.*coefficients=25"),
        ({"frame": 0.7}, "seconds=0.6 must hold a frame.*frame=0.7"),
        ({"hop": 1e-6}, "hop a sample.*hop=1e-06"),
        ({"augment": "loud"}, "Each step of augment must be one of.*'loud'"),
        ({"melz": 3}, "from_audio_table has no option 'melz'. Did you mean 'mels'"),
    ],
)
def test_options_out_of_range_are_refused(tables, options, message):
    with pytest.raises(InputError, match=message):
        load(tables, **options)
