"""The named series: what is in their files, and in what order."""

import gzip

import numpy as np
import pytest

import dlkit as dk
from dlkit.data.catalogue import loading
from dlkit.data.series import sources
from dlkit.errors import InputError
from tests.data.arrays.test_from_arrays import batches


@pytest.mark.parametrize("name", sources.SERIES)
def test_the_facts_of_the_catalogue_are_those_of_the_data(shared_data, name):
    info, data = loading.find_info(name), dk.data.load(name, batch_size=16)
    split, chosen = data.origin.split, sources.SERIES[name]
    # Windows whose targets lie in two splits are in none.
    lost = 2 * (chosen.horizon - 1)
    assert len(data.origin.targets.values) == info.examples + lost
    assert (data.kind, data.task, data.name) == (info.kind, info.task, info.name)
    assert split.train.max() < split.val.min() and split.val.max() < split.test.min()
    assert data.input_spec["series"].shape == (chosen.window, len(data.feature_names))
    assert data.num_classes == chosen.horizon


def test_etth1_is_split_as_published(shared_data):
    """12, 4 and 4 months of 30 days; the validation span is a part of the first 16."""
    data = dk.data.load("etth1", val_fraction=0.25)
    with gzip.open(shared_data / "timeseries" / "ETTh1.csv.gz", "rt") as file:
        oil = np.array([float(line.rpartition(",")[2]) for line in file.readlines()[1:]])
    hour = 30 * 24
    np.testing.assert_allclose(batches(data.val)[1][0], oil[12 * hour :][:24], rtol=1e-6)
    np.testing.assert_allclose(batches(data.test)[1][0], oil[16 * hour :][:24], rtol=1e-6)
    np.testing.assert_allclose(batches(data.test)[1][-1], oil[: 20 * hour][-24:], rtol=1e-6)


def test_options_reach_the_series_and_unknown_ones_do_not(shared_data):
    data = dk.data.load("etth1", window=5, horizon=1, targets=None, val_fraction=0)
    assert data.num_classes == 7 and data.input_spec["series"].shape == (5, 7)
    with pytest.raises(InputError, match=r"etth1 has no option 'windows'\. Did you mean 'window'"):
        dk.data.load("etth1", windows=5)
