"""Augmentation of texts, as ids: the same ids and seed give the same result, on any thread.

The recipes are those of EDA (Wei & Zou 2019, arXiv:1901.11196). They work on ids (B, T) padded
behind with 0, so a batch costs a few operations and not a pass over its words. Of a vector, which
knows no order, only words can be dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.argument_validation import check_choice, is_number
from dlkit.data.core.augmentation import without_autograph
from dlkit.data.text import wordnet
from dlkit.data.text.encoding import Encoding
from dlkit.data.text.layers import SPECIAL
from dlkit.errors import InputError

Augmentation = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
_CHOICES = 8  # synonyms of a word, at most


def drop_words(ids: tf.Tensor, seed: tf.Tensor, amount: float = 0.1) -> tf.Tensor:
    """Leave out each token of the ids (B, T) with the probability `amount`; one always stays."""
    real = ids != 0
    chances = tf.where(real, tf.random.stateless_uniform(tf.shape(ids), seed), -1.0)
    safest = tf.reduce_max(chances, axis=1, keepdims=True)
    kept = real & ((chances >= amount) | (chances == safest))
    forward = tf.argsort(tf.cast(~kept, tf.int32), axis=1, stable=True)  # those that stay first
    return tf.gather(tf.where(kept, ids, 0), forward, axis=1, batch_dims=1)


def drop_columns(
    vectors: tf.Tensor, seed: tf.Tensor, amount: float = 0.1, *, unit: bool = False
) -> tf.Tensor:
    """Set each number of the vectors (B, words) to 0 with the probability `amount`.

    `unit` brings each vector back to the length 1, as the vectors of tf-idf have it.
    """
    kept = tf.random.stateless_uniform(tf.shape(vectors), seed) >= amount
    dropped = tf.where(kept, vectors, 0.0)
    return tf.math.l2_normalize(dropped, axis=1) if unit else dropped


def swap_words(ids: tf.Tensor, seed: tf.Tensor, amount: float = 0.1) -> tf.Tensor:
    """Let about the part `amount` of the tokens (B, T) change places with a neighbour."""
    shape = tf.shape(ids)
    seeds = tf.random.split(seed, 2)
    places = tf.range(shape[1])[tf.newaxis]
    offset = tf.random.stateless_uniform([shape[0], 1], seeds[0], 0, 2, tf.int32)
    left = (places - offset) % 2 == 0  # of a pair; which pairs there are differs by text
    partner = tf.clip_by_value(tf.where(left, places + 1, places - 1), 0, shape[1] - 1)
    # Both of a pair look at the left one's chance.
    chances = tf.random.stateless_uniform(shape, seeds[1])
    chance = tf.where(left, chances, tf.gather(chances, partner, axis=1, batch_dims=1))
    other = tf.gather(ids, partner, axis=1, batch_dims=1)
    return tf.where((chance < amount) & (ids != 0) & (other != 0), other, ids)


def replace_words(
    ids: tf.Tensor, seed: tf.Tensor, amount: float = 0.1, *, table: np.ndarray
) -> tf.Tensor:
    """Replace about the part `amount` of the words that have synonyms by one of them.

    `table` has a row an id: synonyms' ids, and the id itself where there are none.
    """
    seeds = tf.random.split(seed, 2)
    shape = tf.shape(ids)
    column = tf.random.stateless_uniform(shape, seeds[0], 0, table.shape[1], tf.int32)
    others = tf.gather_nd(table, tf.stack([tf.cast(ids, tf.int32), column], axis=-1))
    return tf.where(tf.random.stateless_uniform(shape, seeds[1]) < amount, others, ids)


RECIPES: dict[str, Callable[..., tf.Tensor]] = {
    "drop_words": drop_words,
    "swap_words": swap_words,
    "synonyms": replace_words,
}
LEVELS: dict[str, dict[str, float]] = {
    "light": {"drop_words": 0.1},
    "medium": {"drop_words": 0.1, "swap_words": 0.1},
    "strong": {"synonyms": 0.2, "drop_words": 0.2, "swap_words": 0.2},
}
_AMOUNT = 0.1


def check_text_augmentation(augment: Any, encoding: Encoding) -> None:
    """Refuse an augmentation of texts that there is not, before anything is read.

    Raises:
        InputError: for an unknown recipe, an amount out of range, synonyms of what is no word,
            words of a vector swapped or replaced.
        MissingExtraError: when synonyms are asked for and WordNet is not installed.
    """
    if augment is None or augment is False or callable(augment):
        return
    steps = _steps(augment)
    vector = encoding.encoding != "tokens"
    if vector and set(steps) != {"drop_words"} and augment not in LEVELS:
        raise InputError(
            f"augment={augment!r} needs encoding='tokens': of a vector of encoding="
            f"'{encoding.encoding}' words can only be dropped; give augment='drop_words'."
        )
    if "synonyms" in steps and not vector:
        if encoding.tokens != "word":
            raise InputError(
                f"augment={augment!r} replaces words by synonyms and needs tokens='word'. Received:"
                f" tokens='{encoding.tokens}'; give augment='medium', which only drops and swaps."
            )
        wordnet.folder()


def resolve_text_augmentation(
    augment: Any, encoding: Encoding, vocabulary: Sequence[str]
) -> Augmentation | None:
    """Return the function `(inputs, seed) -> inputs` that `augment` stands for, or `None`.

    Args:
        augment: What `from_text_folder` takes.
        encoding: How texts become the network's inputs.
        vocabulary: The token of each id; synonyms come from it too.

    Raises:
        InputError: for anything else.
        MissingExtraError: when synonyms are asked for and WordNet is not installed.
    """
    check_text_augmentation(augment, encoding)
    if augment is None or augment is False or callable(augment):
        return augment or None
    steps = _steps(augment)
    if encoding.encoding != "tokens":
        amount, unit = steps["drop_words"], encoding.encoding == "tf_idf"
        return lambda vectors, seed: drop_columns(vectors, seed, amount, unit=unit)
    table = synonym_table(vocabulary) if "synonyms" in steps else None

    @without_autograph
    def apply(ids: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        seeds = tf.random.split(seed, len(steps))
        for place, (name, amount) in enumerate(steps.items()):
            options = {"table": table} if name == "synonyms" else {}
            ids = RECIPES[name](ids, seeds[place], amount, **options)
        return ids

    return apply


def synonym_table(vocabulary: Sequence[str]) -> np.ndarray:
    """Return the ids of each word's synonyms (words, 8), repeated in turn to fill the row.

    Only words of the vocabulary: a network learns nothing from a word that it cannot tell from
    any other unknown one.
    """
    ids = {word: place for place, word in enumerate(vocabulary) if place >= SPECIAL}
    found = wordnet.synonyms(ids)
    table = np.repeat(np.arange(len(vocabulary), dtype=np.int64)[:, np.newaxis], _CHOICES, axis=1)
    for word, others in found.items():
        table[ids[word]] = np.resize([ids[other] for other in others], _CHOICES)
    return table


def _steps(augment: Any) -> dict[str, float]:
    """Return recipe name -> amount for a name, a level, a list of names or a dict."""
    if isinstance(augment, str):
        check_choice("augment", augment, (*RECIPES, *LEVELS))
        return LEVELS.get(augment) or {augment: _AMOUNT}
    if not isinstance(augment, list | tuple | Mapping) or not augment:
        raise InputError(
            f"augment must name steps for texts: {', '.join((*RECIPES, *LEVELS))}. Received:"
            f" augment={augment!r}."
        )
    for name in augment:
        check_choice("Each step of augment", name, RECIPES)
    steps = dict(augment) if isinstance(augment, Mapping) else dict.fromkeys(augment, _AMOUNT)
    for name, amount in steps.items():
        number = is_number(amount)
        if not number or not 0 <= amount <= 1:
            raise InputError(
                f"The amount of '{name}' must be a part of the words, from 0 to 1. Received:"
                f" augment={augment!r}."
            )
    return steps
