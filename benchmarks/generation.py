"""Tokens a second of `gpt.generate` beside a loop that reads the whole prefix for each token.

    python benchmarks/generation.py [--tokens 256] [--rounds 3]

Both write from the same prompt with the default network, the likeliest token each time, and have to
write the same. The loop is compiled once: it asks `model.predict_on_batch` with a batch of one
width, filled up in front; calling the model on what there is, uncompiled, was ten times slower yet.
They take turns; compiling is left out; medians.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import dlkit as dk

KNOWN = 67  # characters of tiny Shakespeare
PROMPT = 32


def write_slowly(model, prompt, count):
    tokens = np.array(prompt)
    for _ in range(count):
        missing = model.context - tokens.shape[1]
        whole = np.pad(tokens, ((0, 0), (missing, 0)))
        chances = np.array(model.predict_on_batch(whole))[:, -1]
        chances[:, 0] = -1  # padding is not written
        tokens = np.concatenate([tokens, chances.argmax(axis=-1)[:, np.newaxis]], axis=1)
    return tokens


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    model = dk.models.gpt((PROMPT + given.tokens,), KNOWN, seed=0)
    prompt = np.random.default_rng(0).integers(1, KNOWN, (1, PROMPT))
    ways = {
        "generate": lambda: model.generate(prompt, given.tokens, temperature=0),
        "loop": lambda: write_slowly(model, prompt, given.tokens),
    }
    seconds = {name: [] for name in ways}
    written = {}
    for round_ in range(given.rounds + 1):
        for name, write in ways.items():
            began = time.perf_counter()
            written[name] = write()
            if round_:
                seconds[name].append(time.perf_counter() - began)
    if (written["generate"] != written["loop"]).any():
        raise SystemExit("the two wrote different texts")
    for name, taken in seconds.items():
        print(f"{name:<10}{given.tokens / statistics.median(taken):>9.1f} tokens/s")
    ratios = [slow / own for slow, own in zip(seconds["loop"], seconds["generate"], strict=True)]
    print(f"generate writes {statistics.median(ratios):.1f} times as fast")


if __name__ == "__main__":
    main()
