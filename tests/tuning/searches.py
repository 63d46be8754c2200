"""A search as a process: `searches.py STRATEGY DIRECTORY [OPTION=VALUE ...] [KILL ...]`.

It prints its trials. Each KILL is `TRIAL:EPOCH`, where the process that trains kills itself the
first time.
"""

import ast
import json
import os
import pathlib
import signal
import sys

import keras

import dlkit as dk
from dlkit.tuning import Choice, Float

SPACES = {
    "grid": {"learning_rate": Choice([0.1, 0.01]), "batch_size": Choice([32, 64, 108])},
    "other": {"learning_rate": Float(1e-3, 0.3, sampling="log"), "l2": Choice([0.0, 1e-3])},
}


class Kill(keras.callbacks.Callback):
    def __init__(self, directory, moments):
        super().__init__()
        self.directory, self.moments = directory, moments

    def on_epoch_begin(self, epoch, logs=None):
        folders = pathlib.Path(self.directory).glob("*/trial_*")
        trial = len(list(folders))
        for moment in self.moments:
            mark = pathlib.Path(self.directory, moment.replace(":", "-"))
            number, at = map(int, moment.split(":"))
            if trial >= number and epoch == at and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)


def main(strategy, directory, *arguments):
    moments = [argument for argument in arguments if ":" in argument]
    options = dict(argument.split("=") for argument in arguments if "=" in argument)
    options = {name: ast.literal_eval(value) for name, value in options.items()}
    tuner = dk.tuning.search(
        "perceptron",
        dk.data.load("iris"),
        strategy=strategy,
        space=SPACES.get(strategy, SPACES["other"]),
        directory=directory,
        callbacks=[Kill(directory, moments)],
        **{"max_trials": 6, "epochs": 3} | options,
    )
    trials = tuner.oracle.trials.values()
    print(json.dumps([[t.trial_id, t.status, t.score, t.hyperparameters.values] for t in trials]))


if __name__ == "__main__":
    main(*sys.argv[1:])
