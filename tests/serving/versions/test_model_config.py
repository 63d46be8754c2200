import pathlib

import pytest

from dlkit.errors import InputError
from dlkit.serving.core.status import StatusError
from dlkit.serving.versions.model_config import (
    ModelConfig,
    from_list,
    parse_config,
    read_config_file,
)
from dlkit.serving.versions.policy import VersionPolicy


def config_text(*models):
    return "model_config_list {" + "".join(f"config {{ {model} }}" for model in models) + "}"


def entry(name, base="/models/m", more='model_platform: "tensorflow"'):
    return f'name: "{name}" base_path: "{base}" {more}'


def test_l16_the_text_format_commas_and_all():
    text = """
    # as in TensorFlow Serving's own documentation
    model_config_list: {
      config: {
        name: 'a', base_path: '/models/a', model_platform: 'tensorflow',
        model_version_policy: { specific { versions: 42, versions: 43 } }
        version_labels { key: 'stable' value: 42 },
        version_labels { key: 'canary' value: 43 }
        logging_config { sampling_config { sampling_rate: 0.1 } }
      },
      config { name: "b" base_path: "/models/b" model_type: TENSORFLOW
               model_version_policy { all {} } }
      config { name: "c" base_path: "/models/c" model_platform: "tensorflow"
               model_version_policy { latest { num_versions: 3 } } }
      config { name: "d" base_path: "/models/d" model_platform: "tensorflow" }
    }"""
    a, b, c, d = parse_config(text)
    policy = VersionPolicy("specific", versions=(42, 43))
    assert a == ModelConfig("a", pathlib.Path("/models/a"), policy, {"stable": 42, "canary": 43})
    assert b.policy == VersionPolicy("all")
    assert c.policy.select(range(9)) == [6, 7, 8]
    assert (d.policy.select(range(9)), d.labels) == ([8], {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "model_config_list { config { nam: 'x' } }",
            "Error parsing text-format tensorflow.serving.ModelServerConfig: 1:30 .*'?nam",
            id="L15",
        ),
        pytest.param(
            config_text(entry("m"), entry("m", "/models/other")),
            "Illegal to list model m multiple times in config list",
            id="L21",
        ),
        pytest.param(
            config_text(entry("m", "models/m")),
            r"Expected model m to have an absolute path or URI; got base_path\(\)=models/m",
            id="L22",
        ),
        pytest.param(
            config_text(entry("m", "gs://bucket/m")),
            "Model m has base_path gs://bucket/m: this server reads local directories only",
            id="L22-uri",
        ),
        pytest.param(
            config_text(entry("m", more='model_platform: "caffe"')),
            "Model m requests unsupported platform caffe",
            id="L23",
        ),
        pytest.param(
            config_text(entry("m", more="")),
            'neither ModelServerConfig::model_type nor .* for model m: give model_platform: "tens',
            id="L23-none",
        ),
        pytest.param(
            "custom_model_config {}", "custom_model_config is not supported", id="L20-custom"
        ),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(StatusError, match=message) as caught:
        parse_config(text)
    assert caught.value.code == "INVALID_ARGUMENT"


def test_l23_a_models_platform_does_not_change():
    from google.protobuf import text_format
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

    text = config_text(entry("m", more='model_platform: "caffe"'))
    models = text_format.Parse(text, ModelServerConfig()).model_config_list
    with pytest.raises(StatusError) as caught:
        from_list(models, ["m"])
    assert caught.value.message == (
        "Illegal to change a model's platform. For model m platform was tensorflow and new platform"
        " requested is caffe"
    )


def test_a_file_that_is_none_is_named(tmp_path):
    with pytest.raises(InputError, match=r"model_config_file .*/none cannot be read: No such file"):
        read_config_file(tmp_path / "none")
    (tmp_path / "bad").write_text(config_text(entry("m"), entry("m")))
    with pytest.raises(InputError, match=r"model_config_file .*/bad: Illegal to list model m"):
        read_config_file(tmp_path / "bad")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"model_config_file .*/binary: .*utf-8"):
        read_config_file(tmp_path / "binary")
    (tmp_path / "empty").write_text("")
    assert read_config_file(tmp_path / "empty") == []
