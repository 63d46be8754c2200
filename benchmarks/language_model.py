"""What the default `gpt` learns of tiny Shakespeare: validation loss, CPU minutes and a sample.

    python benchmarks/language_model.py [--epochs 5] [--seed 0]

Characters, windows of 128, batches of 32. CPU minutes are this process's, all threads, validation
after each epoch included.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import dlkit as dk


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    dk.training.set_seed(given.seed)
    data = dk.data.load("tiny_shakespeare", batch_size=32)
    rate = dk.training.OneCycle(3e-3, given.epochs * len(data.train))
    model = dk.models.build("gpt", data, learning_rate=rate, seed=given.seed)
    began = time.process_time()
    history = model.fit(data.train, validation_data=data.val, epochs=given.epochs, verbose=0)
    minutes = (time.process_time() - began) / 60
    losses = ", ".join(f"{loss:.3f}" for loss in history.history["val_loss"])
    print(f"{model.count_params():,} weights, {minutes:.1f} CPU minutes, validation loss {losses}")
    print(dk.data.generate(model, data, ["ROMEO:\n"], 120, temperature=0.7, seed=given.seed)[0])


if __name__ == "__main__":
    main()
