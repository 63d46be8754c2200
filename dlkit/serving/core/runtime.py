"""A loaded version of a model, as everything sees it that does not care which library runs it."""

import abc
import functools
from collections.abc import Mapping

import numpy as np

from dlkit.serving.core.latency import RunTimes
from dlkit.serving.core.signatures import Signature


class Runtime(abc.ABC):
    """A loaded version of a model.

    Each library has one (`dlkit.serving.runtimes`), and some stand around another one: batched,
    logged, with a twin. What is not said here, nobody asks of one.

    Attributes:
        signatures: What it takes and gives, by the signature's key.
        rowwise: The keys of the signatures that may be given the rows of several requests at once,
            since no row has a say in the answer to another. None of them by default.
    """

    signatures: Mapping[str, Signature]
    rowwise: frozenset[str] = frozenset()

    @property
    def at_hand(self) -> frozenset[str]:
        """The keys of the signatures for which nothing has to be loaded any more: all of them."""
        return frozenset(self.signatures)

    @functools.cached_property
    def times(self) -> RunTimes:
        """How long its runs take: what is known to be short need not wait for a thread."""
        return RunTimes()

    @abc.abstractmethod
    def run(self, signature_name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run one signature; safe to call from many threads at once.

        Args:
            signature_name: A key of `signatures`.
            inputs: An array for each input of the signature; strings as objects holding bytes.

        Returns:
            The outputs by name.

        Raises:
            StatusError: with the library's text; DEADLINE_EXCEEDED for a run longer than the option
                `timeout_seconds`, where the library lets itself be interrupted, as TensorFlow and
                ONNX Runtime do and LiteRT does not.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Free what it holds; no call may be running."""
