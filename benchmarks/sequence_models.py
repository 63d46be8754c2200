"""What each model of sequences learns at its defaults: test score, weights and CPU minutes.

    python benchmarks/sequence_models.py [--data sms_spam] [--models rnn ...] [--seeds 0]

Each is trained as `dlkit train MODEL --data DATA --epochs N` does. The baseline of texts comes
first: TF-IDF with scikit-learn's logistic regression, learned from the rows of training and
validation. CPU minutes are this process's, all threads, evaluation left out; they compare fairly on
a busy machine, where wall time does not. With `--held-out jackson` spoken digits are tested on a
speaker whom training never heard.
"""

import argparse
import os
import pathlib
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from job_training import train
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import dlkit as dk
from dlkit.cli.job import Job
from dlkit.data.audio import sources
from dlkit.data.catalogue import cache

PARTS_OF_WORDS = {"tokens": "bpe", "vocabulary_size": 2000}  # of numbers as well
MODELS = ("rnn", "temporal_cnn", "transformer_classifier")
# Data -> what it is loaded with, and how many epochs each model learns from it.
JOBS = {
    "sms_spam": (PARTS_OF_WORDS, 8),
    "sentence_polarity": ({}, 4),
    "ag_news": ({}, 4),
    "imdb_small": ({"length": 256}, 4),
    "spoken_digits": ({}, 15),
}


def baseline(name):
    """Return the test accuracy of TF-IDF and logistic regression, and its CPU seconds."""
    data = dk.data.load(name, seed=0)
    split, labels = data.origin.split, data.origin.targets.values
    learned = np.concatenate([split.train, split.val])
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    began = time.process_time()
    model.fit(data.origin.raw(learned), labels[learned])
    seconds = time.process_time() - began
    return model.score(data.origin.raw(split.test), labels[split.test]), seconds


def without_speaker(speaker, folder, **options):
    """Return the spoken digits with all that a speaker said as the test split."""
    recordings = cache.unpack_published(sources.SPOKEN_DIGITS).glob("*/recordings/*.wav")
    tables = {True: ["path,digit"], False: ["path,digit"]}
    for path in sorted(recordings):
        digit, name, _ = path.stem.split("_")
        tables[name == speaker].append(f"{path},d{digit}")
    for held, rows in tables.items():
        (folder / f"{held}.csv").write_text("\n".join(rows))
    heard = {"sample_rate": 8000, "seconds": 0.8, "mels": 32, "augment": "light"}
    return dk.data.from_audio_table(
        folder / "False.csv", test=folder / "True.csv", name="spoken_digits", **heard, **options
    )


def learn(job, data=None):
    """Return the test score, the number of weights and the CPU seconds of a training."""
    model, data, seconds = train(job, data)
    found = model.evaluate(data.test, return_dict=True, verbose=0)
    return found["accuracy"], model.count_params(), seconds


def tell(what, runs):
    """Print what was trained, and its score, weights and CPU minutes."""
    scores = [score for score, *_ in runs]
    print(
        f"{what}: test accuracy {statistics.fmean(scores):.4f}"
        f" {[round(score, 4) for score in scores]}, {runs[0][1]:,} weights,"
        f" {statistics.fmean(seconds for *_, seconds in runs) / 60:.1f} CPU minutes",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", nargs="+", default=list(JOBS), choices=list(JOBS))
    parser.add_argument("--models", nargs="+", choices=MODELS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--held-out", help="a speaker of the spoken digits")
    given = parser.parse_args()
    for name in given.data:
        data_options, epochs = JOBS[name]
        sounds = name == "spoken_digits"
        if not sounds and not given.models:
            score, seconds = baseline(name)
            print(f"{name} logistic regression: {score:.4f}, {seconds / 60:.2f} CPU minutes")
        for model in given.models or MODELS:
            jobs = [
                Job(model, name, epochs, seed=seed, data_options=data_options)
                for seed in given.seeds
            ]
            with tempfile.TemporaryDirectory() as folder:
                data = None
                if sounds and given.held_out:
                    data = without_speaker(given.held_out, pathlib.Path(folder))
                runs = [learn(job, data) for job in jobs]
            words = ", ".join(f"{key}={value!r}" for key, value in data_options.items())
            tell(f"{name} {model}({words}), {epochs} epochs", runs)


if __name__ == "__main__":
    main()
