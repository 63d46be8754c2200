import os

import numpy as np
import pytest

from dlkit.errors import ServerError
from dlkit.serving.core.settings import Settings
from dlkit.serving.core.status import StatusError
from dlkit.serving.versions.loading import ConfigFile, any_needs_tensorflow, load_models
from dlkit.serving.versions.model_config import ModelConfig
from tests.serving import saved_models


def entry(name, base="/models/m"):
    return f'config {{ name: "{name}" base_path: "{base}" model_platform: "tensorflow" }}'


class Models:
    """What a configuration file is applied to."""

    def __init__(self):
        self.reloads = []

    def reload(self, configs):
        self.reloads.append([config.name for config in configs])
        if "bad" in self.reloads[-1]:
            raise StatusError("UNKNOWN", "bad did not become available")


def test_a_saved_model_without_twins_needs_tensorflow(half_plus_two, tmp_path):
    models = [ModelConfig("none", tmp_path), ModelConfig("half_plus_two", half_plus_two)]
    assert any_needs_tensorflow(models, Settings())
    assert not any_needs_tensorflow(models[:1], Settings())


def test_l17_a_file_is_applied_when_it_changes(tmp_path, caplog):
    models, path = Models(), tmp_path / "models.config"
    file = ConfigFile(path, models)

    def write(*names):
        path.write_text(f"model_config_list {{ {' '.join(map(entry, names))} }}")
        file.poll()

    write("a")
    write("a")
    write("a", "b")
    assert models.reloads == [["a"], ["a", "b"]]
    path.write_text("model_config_list {")
    file.poll()
    file.poll()
    path.unlink()
    file.poll()
    path.write_text("# it is being written")
    file.poll()
    assert models.reloads == [["a"], ["a", "b"]]
    stayed = [record.message for record in caplog.records]
    assert len(stayed) == 3  # each trouble is told once
    assert "The models stay as they are: " in stayed[0] and "Error parsing text" in stayed[0]
    assert "cannot be read: No such file" in stayed[1]
    assert "It is only legal to transition from one ModelConfigList to another" in stayed[2]
    write()
    assert models.reloads[-1] == []


def test_l17_a_file_that_would_block_stops_nothing(tmp_path, caplog):
    models, path = Models(), tmp_path / "models.config"
    file, others = ConfigFile(path, models), tmp_path / "others"
    os.mkfifo(path)
    for _ in range(2):
        file.poll()
    assert caplog.text.count(f"model_config_file {path} is no regular file: it is not read") == 1
    others.write_text(f"model_config_list {{ {entry('a')} }}")
    others.rename(path)
    file.poll()
    assert models.reloads == [["a"]]


def test_l17_what_failed_is_tried_again(tmp_path):
    models, path = Models(), tmp_path / "models.config"
    path.write_text(f"model_config_list {{ {entry('bad')} }}")
    file = ConfigFile(path, models)
    file.poll()
    file.poll()
    assert models.reloads == [["bad"], ["bad"]]


def test_models_are_loaded(half_plus_two):
    models = load_models([ModelConfig("m", half_plus_two)], Settings())
    with models["m"].use() as version:
        assert version.runtime.run("serving_default", {"x": np.float32([1.0])})["y"].tolist() == [
            2.5
        ]
    models.close()


def test_r23_a_model_that_does_not_load_ends_the_start(tmp_path, half_plus_two):
    saved_models.broken(tmp_path / "m" / "1")
    good, bad = ModelConfig("good", half_plus_two), ModelConfig("bad", tmp_path / "m")
    with pytest.raises(ServerError, match=r"Model 'bad' under .*/m cannot be served: Cannot parse"):
        load_models([good, bad], Settings())


def test_l25_a_label_of_a_version_that_is_not_there_ends_the_start(half_plus_two):
    config = ModelConfig("m", half_plus_two, labels={"stable": 9})
    with pytest.raises(ServerError, match="assign label to version 9 of model m, which is not"):
        load_models([config], Settings())
    models = load_models([config], Settings.of("serve", {"early_labels": True}))
    assert models["m"].labels == {"stable": 9}
    models.close()


def test_a_model_without_versions_ends_the_start(tmp_path):
    with pytest.raises(ServerError, match=r"name: m\} due to error: NOT_FOUND: no version in"):
        load_models([ModelConfig("m", tmp_path)], Settings())
