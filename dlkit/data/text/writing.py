"""Texts in, texts out: a language model writes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.data.data import Data


def generate(
    model: Any, data: Data, prompts: Sequence[str], length: int, **options: Any
) -> list[str]:
    r"""Write on from texts, token by token.

    When to use: with a network that was trained on `from_text_file`, as `dlkit.models.gpt`.

    Args:
        model: What has `generate(ids, length, **options)`.
        data: What it was trained on.
        prompts: Texts, of which the network sees the last tokens only: as many as it sees at once,
            less `length`.
        length: Tokens to write.
        **options: Those of the model: `temperature`, `top_k`, `top_p`, `seed`.

    Returns:
        Each prompt, as far as the network saw it, and what it wrote.

    Raises:
        InputError: for data that is not of a language model, prompts that are none, or what the
            model cannot do.

    Example:
        >>> import pathlib, tempfile
        >>> import dlkit as dk
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "sea.txt")
        ...     _ = path.write_text("she sells sea shells\n" * 50)
        ...     data = dk.data.from_text_file(path, window=16, batch_size=4)
        >>> model = dk.models.build("gpt", data, hidden_dim=16, depth=1, num_heads=2, seed=0)
        >>> _ = model.fit(data.train, epochs=1, verbose=0)
        >>> len(generate(model, data, ["she "], 6, seed=0)[0])
        10
    """
    if data.task != "language_model" or data.preprocessing is None or data.postprocessing is None:
        raise InputError(
            "generate needs data of a language model, as from_text_file makes it. Received:"
            f" '{data.name}' of task '{data.task}'."
        )
    if not hasattr(model, "generate"):
        raise InputError(
            "generate needs a model that writes on, as dlkit.models.gpt. Received:"
            f" {type(model).__name__}, which has no generate()."
        )
    if isinstance(prompts, str) or not len(prompts):
        raise InputError(
            f"prompts must be one text or more, as a list. Received: prompts={prompts!r}."
        )
    ids = data.preprocessing(tf.constant(prompts, tf.string)).numpy()
    room = max(1, model.context - length) if isinstance(length, int) else model.context
    ids = ids[:, -room:]
    ids = ids[:, int((ids == 0).all(axis=0).argmin()) :]  # without padding that all have
    written = model.generate(ids, length, **options)
    return [text.decode() for text in np.asarray(data.postprocessing(written))]
