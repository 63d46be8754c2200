"""Clothes: a run directory, callbacks and a confusion matrix.

    python examples/fashion_mnist.py --epochs 10      # about 0.925, a few minutes on 2 cores

Stop it and start it again: it goes on after the last finished epoch. Needs Fashion-MNIST, which is
looked for in Keras's cache and on Debian (`apt install dataset-fashion-mnist`), then downloaded.
"""

import argparse

import dlkit as dk

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--filters", type=int, nargs="+", default=[32, 64, 64], help="of each block")
parser.add_argument("--runs", default="runs", help="where runs are kept")
options = parser.parse_args()

config = {"model": "cnn", "data": "fashion_mnist", "epochs": options.epochs, "seed": 0}
config["filters"] = options.filters
dk.training.set_seed(config["seed"])
run = dk.training.run_directory(f"clothes-{options.epochs}", base=options.runs, config=config)

data = dk.data.load("fashion_mnist", seed=config["seed"])
schedule = dk.training.OneCycle(4e-3, options.epochs * len(data.train))
model = dk.models.build(
    "cnn", data, filters=options.filters, seed=config["seed"], learning_rate=schedule
)
model.fit(
    data.train,
    validation_data=data.val,
    epochs=options.epochs,
    callbacks=dk.training.callbacks(run, data=data),
    verbose=2,
)

accuracy = model.evaluate(data.test, return_dict=True)["accuracy"]
history = dk.training.load_history(run)
dk.evaluation.plot_history(history).savefig(run / "history.png")
dk.evaluation.plot_confusion_matrix(model, data).savefig(run / "confusion_matrix.png")
print(f"Test accuracy {accuracy:.1%}; pictures in {run}")
assert accuracy > 0.8, "one epoch should recognise at least 80% of the clothes"
