import pytest

from dlkit.errors import InputError
from dlkit.serving.wire.protobuf.config_text import parse_config, read_config


def test_the_files_of_tensorflow_servings_documentation():
    config = parse_config(
        'prometheus_config { enable: true, path: "/monitoring/prometheus/metrics" }',
        "MonitoringConfig",
    )
    assert config.prometheus_config.path == "/monitoring/prometheus/metrics"
    config = parse_config(
        "max_batch_size { value: 128 } batch_timeout_micros { value: 0 }\n"
        "allowed_batch_sizes: 1 allowed_batch_sizes: 8 pad_variable_length_inputs: true\n"
        'enable_large_batch_splitting { value: true } thread_pool_name { value: "x" }',
        "BatchingParameters",
    )
    assert config.max_batch_size.value == 128
    assert config.HasField("batch_timeout_micros") and not config.HasField("num_batch_threads")
    assert list(config.allowed_batch_sizes) == [1, 8]
    assert config.enable_large_batch_splitting.value
    config = parse_config('server_key: "k\\nl" client_verify: false', "SSLConfig")
    assert (config.server_key, config.client_verify) == ("k\nl", False)


def test_what_is_no_such_message(tmp_path):
    with pytest.raises(
        ValueError, match=r"text-format tensorflow.serving.SSLConfig: .*'?serverkey"
    ):
        parse_config('serverkey: "k"', "SSLConfig")
    with pytest.raises(InputError, match=r"a_file .*/none cannot be read: No such file"):
        read_config("a_file", str(tmp_path / "none"), "SSLConfig")
    (tmp_path / "bad").write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"a_file .*/bad: .*utf-8"):
        read_config("a_file", str(tmp_path / "bad"), "SSLConfig")
    (tmp_path / "bad").write_text("server_key: 5")
    with pytest.raises(InputError, match=r"a_file .*/bad: Error parsing text-format"):
        read_config("a_file", str(tmp_path / "bad"), "SSLConfig")
