"""How requests are put together: TensorFlow Serving's BatchingParameters."""

import os
from dataclasses import dataclass, field

from google.protobuf.message import Message

from dlkit.errors import InputError
from dlkit.serving.wire.protobuf import config_text


@dataclass(frozen=True)
class BatchingParameters:
    """The limits of a batch.

    Args:
        max_batch_size: The most rows that are run at once, and that one request may have.
        timeout_seconds: How long a batch that is not full waits for more rows although it could
            run. 0, unlike with TensorFlow Serving, where it is a millisecond: a request that comes
            alone never waits.
        max_enqueued_batches: How many batches of each signature may wait.
        threads: How many batches run at a time; 0 for one a processor.
        pool_name: The name in the metrics.
        allowed_sizes: The sizes that batches are filled up to, ascending; empty for any.
        pad_variable: Whether rows of different shapes are filled up to the largest.
        split: Whether requests larger than `max_execution_size` are run in parts.
        max_execution_size: The most rows that are run at once when requests are split; 0 for
            `max_batch_size`.
    """

    max_batch_size: int = 1000
    timeout_seconds: float = 0.0
    max_enqueued_batches: int = 10
    threads: int = 0
    pool_name: str = "model_server_batch_threads"
    allowed_sizes: tuple[int, ...] = field(default_factory=tuple)
    pad_variable: bool = False
    split: bool = False
    max_execution_size: int = 0

    @property
    def run_size(self) -> int:
        """The most rows that are run at once."""
        return (self.max_execution_size if self.split else 0) or self.max_batch_size

    @property
    def concurrency(self) -> int:
        """How many batches run at a time."""
        return self.threads or os.cpu_count() or 1

    def padded(self, rows: int) -> int:
        """Return the size that a batch of `rows` is filled up to.

        Example:
            >>> BatchingParameters(max_batch_size=8, allowed_sizes=(1, 4, 8)).padded(3)
            4
        """
        return next((size for size in self.allowed_sizes if size >= rows > 0), rows)


def batching_parameters(enabled: bool, file: str) -> BatchingParameters | None:
    """Return the parameters in a file, the defaults without one; None where nothing is batched.

    Args:
        enabled: Whether requests are batched.
        file: The file, in the text format of `BatchingParameters`; empty for none.

    Raises:
        InputError: for a file although nothing is batched, and for one that cannot be used.
    """
    if file and not enabled:
        raise InputError(
            "server_options.batching_parameters_file is set without setting"
            f" server_options.enable_batching to true. Received: {file}."
        )
    if not enabled:
        return None
    if not file:
        return BatchingParameters()
    argument = "batching_parameters_file"
    found = _from_message(config_text.read_config(argument, file, "BatchingParameters"))
    if wrong := _complaint(found):
        raise InputError(f"{argument} {file}: {wrong}.")
    return found


_WRAPPED = {
    "max_batch_size": "max_batch_size",
    "max_enqueued_batches": "max_enqueued_batches",
    "num_batch_threads": "threads",
    "thread_pool_name": "pool_name",
    "enable_large_batch_splitting": "split",
    "max_execution_batch_size": "max_execution_size",
}


def _from_message(config: Message) -> BatchingParameters:
    given = {
        name: getattr(config, wrapped).value
        for wrapped, name in _WRAPPED.items()
        if config.HasField(wrapped)
    }
    return BatchingParameters(
        **given,
        timeout_seconds=config.batch_timeout_micros.value / 1e6,
        allowed_sizes=tuple(config.allowed_batch_sizes),
        pad_variable=config.pad_variable_length_inputs,
    )


def _complaint(found: BatchingParameters) -> str:
    for name in ("max_batch_size", "max_enqueued_batches", "run_size"):
        if getattr(found, name) < 1:
            return f"{name} must be at least 1, not {getattr(found, name)}"
    if found.threads < 0 or found.timeout_seconds < 0:
        return "num_batch_threads and batch_timeout_micros must not be negative"
    sizes = found.allowed_sizes
    if sizes and (list(sizes) != sorted(set(sizes)) or sizes[0] < 1):
        return f"allowed_batch_sizes must be positive and ascending, not {list(sizes)}"
    if sizes and sizes[-1] != found.run_size:
        limit = "max_execution_batch_size" if found.split else "max_batch_size"
        return (
            f"Last entry in allowed_batch_sizes must match {limit}; last entry was"
            f" {sizes[-1]}; expected {found.run_size}"
        )
    return ""
