import pytest

from dlkit.errors import InputError
from dlkit.serving.batching.config import BatchingParameters, batching_parameters


def read(tmp_path, text):
    (tmp_path / "batching.config").write_text(text)
    return batching_parameters(True, str(tmp_path / "batching.config"))


def test_b1_without_a_file():
    assert batching_parameters(False, "") is None
    found = batching_parameters(True, "")
    assert found == BatchingParameters()
    assert (found.pool_name, found.timeout_seconds) == ("model_server_batch_threads", 0.0)
    assert found.concurrency >= 1


def test_b2_a_file_without_batching():
    with pytest.raises(InputError) as caught:
        batching_parameters(False, "/b.config")
    assert str(caught.value) == (
        "server_options.batching_parameters_file is set without setting"
        " server_options.enable_batching to true. Received: /b.config."
    )


def test_b3_the_format(tmp_path):
    found = read(
        tmp_path,
        "max_batch_size { value: 128 } batch_timeout_micros { value: 1500 }"
        " max_enqueued_batches { value: 1000000 } num_batch_threads { value: 8 }"
        " allowed_batch_sizes: 1 allowed_batch_sizes: 8 allowed_batch_sizes: 32"
        " pad_variable_length_inputs: true enable_large_batch_splitting { value: true }"
        ' max_execution_batch_size { value: 32 } thread_pool_name { value: "x" }',
    )
    assert found == BatchingParameters(
        128, 0.0015, 1000000, 8, "x", (1, 8, 32), True, True, max_execution_size=32
    )
    assert (found.run_size, found.concurrency) == (32, 8)
    assert [found.padded(rows) for rows in (1, 2, 8, 9, 32)] == [1, 8, 8, 32, 32]


def test_zero_is_not_the_default(tmp_path):
    assert read(tmp_path, "batch_timeout_micros { value: 0 }") == BatchingParameters()
    assert read(tmp_path, "").padded(5) == 5


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            "max_batch_size { value: 16 } allowed_batch_sizes: 1 allowed_batch_sizes: 8",
            "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 8;"
            " expected 16",
            id="B4",
        ),
        pytest.param(
            "max_batch_size { value: 16 } enable_large_batch_splitting { value: true }"
            " max_execution_batch_size { value: 4 } allowed_batch_sizes: 16",
            "must match max_execution_batch_size; last entry was 16; expected 4",
            id="B4-split",
        ),
        pytest.param("allowed_batch_sizes: 8 allowed_batch_sizes: 1", "ascending, not", id="order"),
        pytest.param("max_batch_size { value: 0 }", "max_batch_size must be at least 1", id="0"),
        pytest.param("num_batch_threads { value: -1 }", "must not be negative", id="negative"),
        pytest.param("max_batch_size: 5", "Error parsing text-format", id="no wrapper"),
    ],
)
def test_what_is_refused(tmp_path, text, sentence):
    with pytest.raises(
        InputError, match=r"batching_parameters_file .*/batching.config: "
    ) as caught:
        read(tmp_path, text)
    assert sentence in str(caught.value)
