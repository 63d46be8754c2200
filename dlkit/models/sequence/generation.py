"""Writing on: a language model is asked for the next token, again and again.

    the prompt at once -> keys and values of each block, and the probabilities of what comes next
    -> draw a token -> one step through the blocks, whose keys and values stand behind the others'
    -> draw a token -> ...

Tokens are drawn from what temperature, `top_k` and `top_p` leave of the probabilities, by numbers
that the seed alone decides. Reference of `top_p`: Holtzman et al. 2019, arXiv:1904.09751.
"""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
from keras import ops

from dlkit.argument_validation import check_fraction, check_integer
from dlkit.errors import InputError
from dlkit.layers.positions import places

PADDING = 0
_COMPILED = 128  # tokens to write from which XLA pays: seconds once, and 4 times as fast
_LEAST = 16  # places of a prompt, and of what is written; powers of 2, so that few compile


@keras.saving.register_keras_serializable(package="dlkit")
class LanguageModel(keras.Model):
    """A functional model from tokens to what comes next at each place, that can also write on.

    Its layers are named `token_embedding`, `positions` (if it has any), `block_0` and so on, and
    `norm`, as `dlkit.models.gpt` makes them.

    Args:
        *args: Inputs and outputs, as `keras.Model` takes them.
        context: The most tokens that it sees at once.
        **kwargs: `name` and `trainable`.
    """

    def __init__(self, *args: Any, context: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context = context
        # A function, which Keras does not save: what writes on is no part of the model.
        self._writer = functools.cache(functools.partial(Writer, self))

    def writer(self, jit_compile: bool = False) -> Writer:
        """Return what `generate` runs, for an export that writes on the server.

        Args:
            jit_compile: Whether XLA compiles it. Defaults to `False`.
        """
        return self._writer(jit_compile)

    def generate(
        self,
        prompt: Any,
        length: int,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        seed: int | None = None,
    ) -> np.ndarray:
        """Write on from the tokens of a prompt.

        Args:
            prompt: Whole numbers (batch, tokens), or (tokens,) for one prompt; those of shorter
                prompts stand behind zeros.
            length: Tokens to write. With those of the prompt they are at most as many as the model
                sees at once.
            temperature: What the logarithms of probabilities are divided by, at least 0: below 1
                for what is likely, 0 for the likeliest token always. Defaults to 1.0.
            top_k: Draw from so many of the likeliest tokens. Defaults to `None`: from all.
            top_p: Draw from the likeliest tokens that together have this share of the probability,
                in (0, 1]. Defaults to 1.0: from all.
            seed: A whole number that decides what is drawn. Defaults to `None`: another text each
                time.

        Returns:
            The prompts and what follows them: int32 (batch, tokens + length).

        Raises:
            InputError: for an empty prompt, tokens that the model does not know, more tokens than
                it sees at once, or an option that is out of range.
        """
        given = self._check_prompt(prompt)
        check_integer("length", length)
        if given.shape[1] + length > self.context:
            room = max(0, self.context - given.shape[1])
            raise InputError(
                f"The model sees {self.context} tokens at once: behind a prompt of"
                f" {given.shape[1]} it can write {room}. Received: length={length}; ask for less,"
                " or give the end of the prompt alone."
            )
        request = _request(given, length, temperature, top_k, top_p, seed)
        written = self.writer(length >= _COMPILED).predict_on_batch(request)
        written = np.asarray(written)[:, :length]
        return np.concatenate([given, written], axis=1).astype("int32")

    def _check_prompt(self, prompt: Any) -> np.ndarray:
        """Return prompts as rows of tokens that the model knows."""
        given = np.asarray(prompt)
        given = given[np.newaxis] if given.ndim == 1 else given
        if given.ndim != 2 or not given.size or given.dtype.kind not in "ui":
            raise InputError(
                "prompt must be whole numbers (batch, tokens), at least one token each. Received:"
                f" prompt of shape {given.shape} and type {given.dtype}."
            )
        known = self.output_shape[-1]
        if given.min() < 0 or given.max() >= known:
            raise InputError(
                f"prompt must be of tokens from 0 to {known - 1}. Received: {given.min()} to"
                f" {given.max()}."
            )
        begun = np.logical_or.accumulate(given != PADDING, axis=1)
        wrong = ~begun[:, -1] | ((given == PADDING) & begun).any(axis=1)
        if wrong.any():
            raise InputError(
                "Each prompt must have a token, and padding (0) only in front of its first."
                f" Received: {given[wrong][0].tolist()}."
            )
        return given

    def get_config(self) -> dict[str, Any]:
        """Return what the model is made again from."""
        return {**super().get_config(), "context": self.context}


def _request(
    prompt: np.ndarray, length: int, temperature: Any, top_k: Any, top_p: Any, seed: Any
) -> dict[str, np.ndarray]:
    """Return what the writer takes, in sizes of which there are few."""
    temperature = check_fraction("temperature", temperature, high=float("inf"))
    top_p = check_fraction("top_p", top_p, high=1.0 + 1e-9)
    if top_p == 0:
        raise InputError(f"top_p must be above 0 and at most 1. Received: top_p={top_p!r}.")
    top_k = 0 if top_k is None else check_integer("top_k", top_k)
    if seed is not None:
        check_integer("seed", seed, minimum=0)
    rows = len(prompt)
    wide = max(_LEAST, 1 << (prompt.shape[1] - 1).bit_length())
    steps = max(_LEAST, 1 << (length - 1).bit_length())
    return {
        "tokens": np.pad(prompt, ((0, 0), (wide - prompt.shape[1], 0))).astype("int32"),
        "length": np.full((rows,), length, "int32"),
        "temperature": np.full((rows,), temperature, "float32"),
        "top_k": np.full((rows,), top_k, "int32"),
        "top_p": np.full((rows,), top_p, "float32"),
        "draws": np.random.default_rng(seed).random((rows, steps), "float32"),
    }


class Writer(keras.Model):
    """What `LanguageModel.generate` compiles: a prompt in, the tokens behind it out.

    Args:
        network: The language model.
        jit_compile: Whether XLA compiles it. Defaults to `False`.
    """

    def __init__(self, network: LanguageModel, jit_compile: bool = False) -> None:
        super().__init__(name="writer")
        self.compile(jit_compile=jit_compile)
        self.network = network
        self.blocks = [layer for layer in network.layers if layer.name.startswith("block_")]
        self.embedding = network.get_layer("token_embedding")
        names = {layer.name for layer in network.layers}
        self.positions = network.get_layer("positions") if "positions" in names else None

    def call(self, inputs: Any) -> Any:
        """Return tokens (batch, places); behind `length` of them there are zeros."""
        tokens, draws = inputs["tokens"], inputs["draws"]
        rows, steps = ops.shape(draws)[0], ops.shape(draws)[1]
        seen = ops.not_equal(tokens, PADDING)
        probabilities, kept = self._read(tokens, seen, steps)
        seen = ops.pad(seen, [(0, 0), (0, steps)])
        first = choose(probabilities, draws[:, 0], inputs)
        written = ops.concatenate([first[:, None], ops.zeros((rows, steps - 1), "int32")], axis=1)
        longest = ops.max(inputs["length"])

        def go_on(step: Any, *_: Any) -> Any:
            return step < longest

        def write(step: Any, written: Any, seen: Any, kept: Any) -> Any:
            last = ops.slice(written, (0, step - 1), (rows, 1))
            place = ops.shape(tokens)[1] + step - 1
            seen = ops.slice_update(seen, (0, place), ops.ones((rows, 1), "bool"))
            probabilities, kept = self._step(last, place, seen, kept)
            draw = ops.slice(draws, (0, step), (rows, 1))[:, 0]
            token = choose(probabilities, draw, inputs)
            return step + 1, ops.slice_update(written, (0, step), token[:, None]), seen, kept

        start = (ops.convert_to_tensor(1, "int32"), written, seen, kept)
        return ops.while_loop(go_on, write, start)[1]

    def _embed(self, tokens: Any, positions: Any) -> Any:
        """Return the vectors of tokens at their places."""
        x = ops.take(self.embedding.embeddings, tokens, axis=0)
        x = ops.cast(x, self.embedding.compute_dtype)
        return x if self.positions is None else self.positions.add(x, positions)

    def _predict(self, x: Any) -> Any:
        """Return the probabilities (batch, tokens known) of what comes behind the last token."""
        x = self.network.get_layer("norm")(x[:, -1])
        table = ops.cast(self.embedding.embeddings, x.dtype)
        return self.network.get_layer("predictions")(ops.matmul(x, ops.transpose(table)))

    def _read(self, tokens: Any, seen: Any, steps: Any) -> Any:
        """Return what comes behind prompts; each block's keys and values, with room for more."""
        positions = places(tokens, seen)
        x, kept = self._embed(tokens, positions), []
        room = [(0, 0), (0, steps), (0, 0), (0, 0)]
        for block in self.blocks:

            def attend(x: Any, attention: Any = block.attention) -> Any:
                query, key, value = attention.project(x, positions)
                kept.append((ops.pad(key, room), ops.pad(value, room)))
                return attention.read(query, key, value, seen)

            x = block.around(x, attend)
        return self._predict(x), kept

    def _step(self, token: Any, place: Any, seen: Any, kept: Any) -> Any:
        """Return what comes behind one token more, and the keys and values with its own."""
        positions = ops.sum(ops.cast(seen, "int32"), axis=1, keepdims=True) - 1  # of this token
        x, new = self._embed(token, positions), []
        for block, (keys, values) in zip(self.blocks, kept, strict=True):

            def attend(
                x: Any, attention: Any = block.attention, keys: Any = keys, values: Any = values
            ) -> Any:
                query, key, value = attention.project(x, positions)
                keys = ops.slice_update(keys, (0, place, 0, 0), key)
                values = ops.slice_update(values, (0, place, 0, 0), value)
                new.append((keys, values))
                return attention.extend(query, keys, values, seen)

            x = block.around(x, attend)
        return self._predict(x), new


def choose(probabilities: Any, draw: Any, how: Any) -> Any:
    """Draw a token for each row.

    Args:
        probabilities: Of each token, (batch, tokens).
        draw: A number in [0, 1) for each row, (batch,).
        how: `temperature` (0: the likeliest token), `top_k` (0: all) and `top_p`, (batch,) each.

    Returns:
        Tokens, int32 (batch,); never padding.

    Example:
        >>> how = {"temperature": ops.ones(1), "top_k": ops.array([2]), "top_p": ops.ones(1)}
        >>> int(choose(ops.array([[0.0, 0.5, 0.3, 0.2]]), ops.array([0.7]), how)[0])
        2
    """
    known = probabilities.shape[-1]
    shares, tokens = ops.top_k(probabilities[:, 1:], known - 1)  # the likeliest first
    shares = ops.cast(shares, "float32")
    temperature, top_k = how["temperature"][:, None], how["top_k"][:, None]
    cold = temperature == 0
    top_k = ops.where(cold, 1, ops.where(top_k == 0, known, top_k))
    scores = ops.log(ops.maximum(shares, 1e-30)) / ops.where(cold, 1.0, temperature)
    shares = ops.softmax(scores, axis=-1)
    before = ops.cumsum(shares, axis=-1) - shares
    rank = ops.arange(known - 1, dtype="int32")[None]
    kept = (before < how["top_p"][:, None]) & (rank < top_k)
    reached = ops.cumsum(ops.where(kept, shares, 0.0), axis=-1)
    passed = reached <= draw[:, None] * reached[:, -1:]
    passed, last = (ops.sum(ops.cast(x, "int32"), axis=-1) for x in (passed, kept))
    place = ops.minimum(passed, last - 1)
    chosen = ops.take_along_axis(ops.cast(tokens, "int32"), place[:, None], axis=1)
    return chosen[:, 0] + 1
