"""What `Data.summary` prints."""

import dataclasses

import numpy as np

import dlkit as dk


def test_the_summary_names_every_split(capsys):
    x = np.random.default_rng(0).normal(size=(50, 2))
    dk.data.from_arrays(x, x[:, 0], val_fraction=0, batch_size=8, name="line").summary()
    assert capsys.readouterr().out.splitlines() == [
        "line: regression, 1 target",
        "network input  features (2,) float32",
        "raw input      features (2,) float32",
        "train          5 batches of up to 8",
        "val            none",
        "test           2 batches of up to 8",
    ]


def test_a_record_made_by_hand_has_a_summary_too(capsys):
    iris = dk.data.load("iris")
    dataclasses.replace(iris, origin=None, val=None).summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == [
        "train          2 batches of up to 64",
        "val            none",
        "test           1 batch of up to 30",
    ]
