import pathlib
import re

import pytest

from dlkit.errors import InputError
from dlkit.serving.core.settings import Settings
from dlkit.serving.process.flags import FLAGS, parse_flags, to_settings


def settings(*arguments):
    return Settings.of("test", to_settings(parse_flags(arguments)))


def test_the_defaults_are_tensorflow_servings():
    values = parse_flags([])
    assert (values["port"], values["rest_api_port"], values["model_name"]) == (8500, 0, "default")
    assert settings() == Settings()


@pytest.mark.parametrize(
    ("arguments", "field", "value"),
    [
        (["--rest_api_timeout_in_ms=1500"], "timeout_seconds", 1.5),
        (["--rest_api_timeout_in_ms=-1"], "timeout_seconds", 0),
        (["--file_system_poll_wait_seconds", "5"], "poll_seconds", 5),
        (["--file_system_poll_wait_seconds=-1"], "poll_seconds", 0),
        (["--load_retry_interval_micros=250000"], "load_retry_seconds", 0.25),
        (["--model_config_file_poll_wait_seconds=2"], "model_config_poll_seconds", 2),
        (["--rest_api_enable_cors_support"], "cors", True),
        (["--rest_api_enable_cors_support", "--port=1"], "cors", True),
        (["--enable_model_warmup=false"], "warmup", False),
        (["--enable_model_warmup", "FALSE"], "warmup", False),
        (["--enable_model_warmup=0"], "warmup", False),
        (["--num_request_iterations_for_warmup=3"], "warmup_iterations", 3),
        (["--tensorflow_session_parallelism=2"], "intra_op_threads", 2),
        (
            ["--tensorflow_session_parallelism=2", "--tensorflow_inter_op_parallelism=1"],
            "inter_op_threads",
            1,
        ),
        (["--per_process_gpu_memory_fraction=0.5"], "gpu_memory_fraction", 0.5),
        (["--allow_version_labels_for_unavailable_models=true"], "early_labels", True),
        (["--saved_model_tags", "serve,gpu"], "saved_model_tags", "serve,gpu"),
    ],
)
def test_what_a_flag_sets(arguments, field, value):
    assert getattr(settings(*arguments), field) == value


def test_every_setting_of_a_flag_is_one():
    known = set(Settings.__dataclass_fields__)
    assert {flag.setting for flag in FLAGS} - {""} <= known
    assert len({flag.name for flag in FLAGS}) == len(FLAGS)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rest_port=1"], r"Unknown flag: --rest_port\. Did you mean '--.*port'\?"),
        (["--por=1"], r"Unknown flag: --por\. Did you mean '--port'\?"),
        (["model"], r"Unknown flag: model\."),
        (["--port=x"], "Argument --port: invalid int value: 'x'"),
        (["--enable_model_warmup=maybe"], "'maybe' is neither true nor false"),
        (["--model_name"], "Argument --model_name: expected one argument"),
    ],
)
def test_flags_that_cannot_be_used(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        parse_flags(arguments)


def test_what_is_not_done_is_refused():
    for name in ("use_tflite_model", "enable_signature_method_name_check"):
        with pytest.raises(InputError, match=f"--{name}=true asks for what"):
            settings(f"--{name}")
        settings(f"--{name}=false")
    with pytest.raises(InputError, match=r"--platform_config_file=a\.txt asks for what this"):
        settings("--platform_config_file=a.txt")
    settings("--platform_config_file=")


def test_the_help_tells_which_flags_have_no_effect(capsys):
    with pytest.raises(SystemExit) as caught:
        parse_flags(["--help"])
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for name in ("num_load_threads", "flush_filesystem_caches"):
        assert re.search(rf"--{name} \S+ Accepted, without effect: ", text)


def test_the_help_tells_how_private_a_request_log_is(capsys):
    with pytest.raises(SystemExit):
        parse_flags(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--request_log str" in text and "keep it as private as the requests" in text


def test_the_console_script_is_there():
    setup = pathlib.Path(__file__).parents[3] / "setup.cfg"
    assert "dlkit-model-server = dlkit.serving.process.model_server:main" in setup.read_text()


def test_what_runs_the_models_is_a_flag():
    found = to_settings(parse_flags(["--runtime=onnx", "--prefer_tflite_model"]))
    assert (found["runtime"], found["prefer_tflite"]) == ("onnx", True)
    assert to_settings(parse_flags([]))["runtime"] == "auto"
