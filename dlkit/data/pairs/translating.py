"""From numbers back to sentences, and from a trained network to translations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from dlkit.data.pairs.layers import SPECIAL
from dlkit.errors import InputError

if TYPE_CHECKING:
    import keras

    from dlkit.data.data import Data

_PAD, _UNKNOWN, _START, _END = range(len(SPECIAL))


def to_sentences(ids: Any, vocabulary: Sequence[str]) -> list[str]:
    """Turn the numbers of tokens back into texts.

    When to use: to read a batch of a translation data set, or what a network predicts.

    Args:
        ids: Whole numbers (sentences, length), up to `[end]` or the padding.
        vocabulary: What each number stands for, as `data.vocabularies["target"]`.

    Returns:
        A text for each row.

    Raises:
        InputError: when a number lies outside the vocabulary.

    Example:
        >>> words = ["[pad]", "[UNK]", "[start]", "[end]", "!", "l'", "eau"]
        >>> to_sentences([[2, 5, 6, 4, 3, 0]], words)
        ["l'eau !"]
    """
    ids = np.asarray(ids)
    if ids.size and not 0 <= ids.min() <= ids.max() < len(vocabulary):
        raise InputError(
            f"ids must be places in the vocabulary, 0 to {len(vocabulary) - 1}. Received:"
            f" {ids.min()} to {ids.max()}."
        )
    characters = all(len(token) == 1 for token in vocabulary[len(SPECIAL) :])
    texts = []
    for row in ids.tolist():
        end = next((i for i, n in enumerate(row) if n in (_PAD, _END)), len(row))
        words = [vocabulary[n] for n in row[:end] if n != _START]
        texts.append("".join(words) if characters else _join(words))
    return texts


def translate(model: keras.Model, data: Data, sentences: Sequence[str]) -> list[str]:
    """Translate sentences token by token, each time the likeliest one (greedy decoding).

    When to use: with a network trained on `from_text_pairs`. A beam search finds better
    translations, and takes as many times longer as it is wide.

    Args:
        model: A network that takes `data`'s inputs and gives the probabilities, or logits, of the
            next token at each place (B, length, vocabulary).
        data: What it was trained on.
        sentences: Texts of the source language.

    Returns:
        Their translations, in small letters where the data is.

    Raises:
        InputError: when `data` holds no sentence pairs, or `sentences` is empty or a text itself.

    Example:
        >>> import dlkit as dk, keras
        >>> english, french = ["go", "stop", "run"] * 8, ["va", "va", "va"] * 8
        >>> data = dk.data.from_text_pairs(english, french, batch_size=4)
        >>> inputs = {k: keras.Input(s.shape, name=k) for k, s in data.input_spec.items()}
        >>> token = keras.ops.where(inputs["target"] > 0, 4, 4)  # always "va"
        >>> model = keras.Model(inputs, keras.ops.one_hot(token, data.num_classes))
        >>> translate(model, data, ["stop"])
        ['va va']
    """
    if data.kind != "pairs" or data.preprocessing is None or data.vocabularies is None:
        raise InputError(
            "translate needs data of sentence pairs, as from_text_pairs makes it. Received:"
            f" '{data.name}' of kind '{data.kind}'."
        )
    if isinstance(sentences, str) or not len(sentences):
        raise InputError(
            f"sentences must be one text or more, as a list. Received: sentences={sentences!r}."
        )
    raw = {"source": tf.constant(sentences), "target": tf.fill([len(sentences)], "")}
    x = {key: ids.numpy() for key, ids in data.preprocessing(raw).items()}
    answers = np.zeros_like(x["target"])
    for place in range(answers.shape[1]):
        scores = np.array(model.predict_on_batch(x))[:, place]  # (B, vocabulary)
        scores[:, [_PAD, _UNKNOWN, _START]] = -np.inf
        over = (answers == _END).any(axis=1)
        answers[:, place] = np.where(over, _PAD, scores.argmax(axis=1))
        if (over | (answers[:, place] == _END)).all():
            break
        x["target"][:, place + 1 : place + 2] = answers[:, place : place + 1]
    return to_sentences(answers, data.vocabularies["target"])


def _join(words: Sequence[str]) -> str:
    text = " ".join(words)
    text = re.sub(r"(\w') (?=\w)", r"\1", text)
    return re.sub(r" (?=[.,)…])", "", text)
