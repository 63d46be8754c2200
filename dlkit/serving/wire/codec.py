"""What a wire format has to supply: how one method's requests and answers are written."""

import abc
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from dlkit.serving.core.status import StatusError
from dlkit.serving.core.version import Version


class Call(NamedTuple):
    """What a request comes to, whatever it was written in: one run of a signature.

    Args:
        key: The signature's key.
        inputs: An array for each of its inputs.
        form: What the codec remembers of the request, to write the answer.
        examples: How many tf.Examples it brings; 0 where it brings tensors.
    """

    key: str
    inputs: Mapping[str, np.ndarray]
    form: Any
    examples: int = 0


class Codec(abc.ABC):
    """How a wire format writes one of TensorFlow Serving's methods.

    Every request goes one way, which `dlkit.serving.inference.calls` has written down once, and a
    codec is asked on it for what depends on the format:

        body --read--> request --decode--> Call --(run)--> outputs --encode--> answer

    A format is a folder beside `rest_json` and `protobuf`, with a codec for predict, one for
    classify and one for regress. Codecs keep nothing between requests: threads share them.

    Attributes:
        method: The method's name, as the metrics have it.
    """

    method: str

    @abc.abstractmethod
    def read(self, body: Any) -> Any:
        """Return a request, read as far as that is possible without knowing which model answers.

        Args:
            body: What the API's library hands over: bytes, or a message.

        Raises:
            StatusError: for what is refused before the model is looked for.
        """

    @abc.abstractmethod
    def decode(self, request: Any, version: Version) -> Call:
        """Return what a request has a version do.

        Args:
            request: What `read` returned.
            version: The version, held for the request.

        Raises:
            StatusError: for what does not suit the version, with the format's message.
        """

    @abc.abstractmethod
    def encode(self, call: Call, outputs: Mapping[str, np.ndarray]) -> Any:
        """Return the answer.

        Args:
            call: What `decode` returned.
            outputs: What the run gave, by name.

        Raises:
            StatusError: for outputs that the format cannot carry.
        """

    def explain(self, request: Any, error: StatusError) -> None:  # noqa: B027 - as most need it
        """Say more about a request that is refused after `read`. By default there is no more.

        Args:
            request: What `read` returned.
            error: The refusal, which may be given a hint.

        Raises:
            StatusError: for what `read` has passed over, and what a client is to be told first.
        """

    def decode_at_once(self, body: Any, version: Version) -> Call | None:
        """Do what `read` and `decode` do if that takes less than a millisecond, else return None.

        The event loop asks for this; where it is None, as by default, a thread goes the whole way.

        Args:
            body: As for `read`.
            version: The version, held for the request.

        Raises:
            StatusError: for what `read` and `decode` refuse.
        """
        return None
