"""`from_text_folder` and `from_text_table`: texts and their labels become pipelines."""

from __future__ import annotations

import inspect
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from dlkit.argument_validation import check_options
from dlkit.data.data import Data
from dlkit.data.text import files
from dlkit.data.text.encoding import Encoding
from dlkit.data.text.pipelines import Feeding, text_data
from dlkit.errors import InputError


def from_text_folder(  # noqa: PLR0913 - how texts are read, encoded and fed: keyword-only
    folder: str | os.PathLike,
    *,
    test: str | os.PathLike | None = None,
    standardize: str | None = "clean",
    tokens: str = "word",
    encoding: str = "tokens",
    vocabulary_size: int = 10_000,
    length: int | None = None,
    bucket: bool = False,
    empty: str = "error",
    rare_classes: str = "error",
    name: str | None = None,
    batch_size: int = 64,
    seed: int = 0,
    val_fraction: float = 0.1,
    cache: bool = True,
    augment: Any = None,
) -> Data:
    """Make a `Data` record of a folder with one sub-folder of `.txt` files a class.

    When to use: for texts sorted into folders, one text a file, in UTF-8. The raw input of the
    preprocessing, and so of an export, is the text itself, named `"text"`. The vocabulary is that
    of the training split; a word that only other texts hold is `[UNK]`, as is a text of no words.

    Reference: byte pairs: Sennrich et al. 2016, arXiv:1508.07909; augmentation: Wei & Zou 2019,
    arXiv:1901.11196.

    Args:
        folder: The folder of the class folders.
        test: The folder of the test split, with the same class folders. `None` takes a stratified
            fifth of the files, the same one for every seed. Defaults to None.
        standardize: `"clean"` (lower case, without tags and apostrophes, a blank for any other
            punctuation), Keras's `"lower"`, `"strip_punctuation"` or
            `"lower_and_strip_punctuation"`, or `None` to leave texts alone. Defaults to "clean".
        tokens: What a token is: `"word"`, `"character"`, or `"bpe"`, parts of words learned by
            merging frequent pairs (`pip install "dlkit[text]"` to learn them; an export needs
            nothing). Defaults to "word".
        encoding: What a network gets: `"tokens"`, ids `(length,)` for a network of sequences; or a
            vector with a number for each word of the vocabulary, for `mlp` or `perceptron`:
            `"tf_idf"` (as scikit-learn weighs them), `"count"` or `"multi_hot"`. Defaults to
            "tokens".
        vocabulary_size: Tokens at most, the most frequent ones. Defaults to 10000.
        length: Ids a text: longer ones are cut, shorter ones padded with 0. `None` takes what 95%
            of the training texts fit into. Defaults to None.
        bucket: Training batches of texts that are about as long, and every batch padded to its own
            longest text only, at most to `length`; a network for it takes ids of any length. Texts
            are held as ids, whatever `cache` says. Defaults to False.
        empty: What a text without a letter does: `"error"` names it, `"skip"` leaves it out and
            prints how many. Defaults to "error".
        rare_classes: What a class of too few texts for every split does, as in `from_dataframe`:
            `"error"`, `"drop"` or `"merge"`. Defaults to "error".
        name: What the data set is called. Defaults to None: the folder's name.
        batch_size: Examples a batch. Defaults to 64.
        seed: Chooses the validation split, the order of each epoch and the augmentation. Defaults
            to 0.
        val_fraction: Part of the training texts kept for validation, in [0, 1); 0 keeps none.
            Defaults to 0.1.
        cache: Make all texts into ids once and hold those; `False` does so in each epoch. Defaults
            to True.
        augment: What is done to training texts: `"light"`, `"medium"`, `"strong"`, one of
            `"drop_words"`, `"swap_words"`, `"synonyms"` (from WordNet: `apt install wordnet-base`),
            a list of them or a dict of them and the part of the words that each is done to; or a
            function `(inputs, seed) -> inputs`. Of vectors, words are only dropped. Defaults to
            None.

    Returns:
        A `Data` record of the task "binary" (2 classes) or "multiclass"; its `vocabulary` names the
        token of each id, or the word of each column of a vector.

    Raises:
        InputError: when folders are missing or empty, there is one class only, a file is not
            UTF-8, or an option cannot be used.
        MissingExtraError: when `tokenizers` or WordNet is needed and not installed.

    Example:
        >>> import pathlib, tempfile
        >>> import dlkit as dk
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name, word in (("good", "fine"), ("bad", "dull")):
        ...         pathlib.Path(folder, name).mkdir()
        ...         for i in range(10):
        ...             _ = pathlib.Path(folder, name, f"{i}.txt").write_text(f"A {word} film!")
        ...     data = dk.data.from_text_folder(folder, batch_size=4)
        >>> data.vocabulary, data.input_spec["tokens"].shape
        (('', '[UNK]', 'film', 'a', 'fine', 'dull'), TensorShape([3]))
    """
    how = Encoding(standardize, tokens, encoding, vocabulary_size, length, bucket)
    options = Feeding(batch_size, seed, val_fraction, cache, augment, empty, rare_classes)
    found, classes = files.find_text_folders(folder)
    if len(classes) < 2:
        raise InputError(
            f"{folder} holds one class folder only ('{classes[0]}'); a classifier needs at least 2."
        )
    held = files.find_text_folders(test)[0] if test is not None else None
    title = name or pathlib.Path(folder).resolve().name
    return text_data(title, found, held, how, options, class_names=classes)


def from_text_table(  # noqa: PLR0913 - how the table is laid out: keyword-only
    table: str | os.PathLike,
    text_column: str | Sequence[str],
    *,
    label_column: str | Sequence[str],
    columns: Sequence[str] | None = None,
    delimiter: str = ",",
    quoted: bool = True,
    missing_targets: str = "error",
    test: str | os.PathLike | None = None,
    task: str | None = None,
    class_names: Sequence[str] | None = None,
    **options: Any,
) -> Data:
    r"""Make a `Data` record of a CSV or TSV file with one text a row.

    When to use: for texts in a table, in UTF-8, plain or `.gz`. Blanks around labels and texts are
    stripped. Everything else is as in `from_text_folder`.

    Args:
        table: The file.
        text_column: The column of the texts; several are joined with a blank.
        label_column: The column to predict; several of 0 and 1 are labels.
        columns: The columns' names, where the file has no header line. Defaults to None.
        delimiter: What stands between two cells. Defaults to ",".
        quoted: Whether cells may stand in double quotes; `False` takes quotes as they are, as files
            with one text a line mean it. Defaults to True.
        missing_targets: What a row without a label does: `"error"` names it, `"drop"` leaves such
            rows out and prints how many. Defaults to "error".
        test: A second such file, for testing. `None` takes a stratified fifth of the rows, the same
            one for every seed. Defaults to None.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`; `None` reads it from the
            labels, as in `from_dataframe`. Defaults to None.
        class_names: The classes' names in the order of their index. Defaults to None.
        **options: What `from_text_folder` takes besides: `encoding`, `tokens`, `length`,
            `batch_size` and so on.

    Returns:
        A `Data` record.

    Raises:
        InputError: when a file or an option cannot be used.
        MissingExtraError: when `tokenizers` or WordNet is needed and not installed.

    Example:
        >>> import pathlib, tempfile
        >>> import dlkit as dk
        >>> lines = [f"{'spam' if i % 3 else 'ham'}\tMessage {i % 5}" for i in range(30)]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "messages.tsv")
        ...     _ = path.write_text("\n".join(lines))
        ...     layout = {"columns": ("kind", "text"), "delimiter": "\t", "quoted": False}
        ...     data = dk.data.from_text_table(
        ...         path, "text", label_column="kind", encoding="count", batch_size=8, **layout
        ...     )
        >>> data.class_names, data.vocabulary[0], data.input_spec["features"].shape
        (('ham', 'spam'), 'message', TensorShape([6]))
    """
    check_options("from_text_table", options, from_text_folder, fixed=())
    layout = files.Layout(text_column, label_column, columns, delimiter, quoted, missing_targets)
    found = layout.read(table, task)
    held = layout.read(test, task) if test is not None else None
    options.setdefault("name", os.path.basename(table).partition(".")[0])
    return from_texts(found, held, task=task, class_names=class_names, **options)


def from_texts(
    found: files.Texts,
    held: files.Texts | None = None,
    *,
    task: str | None = None,
    class_names: Sequence[str] | None = None,
    **options: Any,
) -> Data:
    """Return the `Data` of texts that were read; `options` as `from_text_folder` takes them."""
    known = inspect.signature(from_text_folder).parameters
    given = {key: parameter.default for key, parameter in known.items()} | options
    encoding = Encoding(**{key: given[key] for key in Encoding.__annotations__})
    feeding = Feeding(**{key: given[key] for key in Feeding.__annotations__})
    return text_data(
        given["name"], found, held, encoding, feeding, task=task, class_names=class_names
    )
