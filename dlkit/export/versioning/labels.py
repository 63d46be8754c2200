"""Labels for versions, where TensorFlow Serving has them: in the file that lists its models.

A client asks `.../models/digits/labels/stable:predict`, and never has to know a number. A line in
that file, which a server can read again while it runs, decides which version answers.
"""

import os
import pathlib
import re
import uuid

from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from dlkit.argument_validation import check_integer
from dlkit.errors import InputError
from dlkit.export.versioning.directories import versions

_LABEL = re.compile(r"[^/:\s]+")


def promote(
    base: str | os.PathLike,
    version: int,
    *,
    label: str = "stable",
    config: str | os.PathLike = "models.config",
) -> pathlib.Path:
    """Give a version of a model a label, in the configuration file of a model server.

    When to use: to let clients ask for "stable" or "canary" rather than for a number, and to move
    them to another version, or back, in one step.

    The file is TensorFlow Serving's `ModelServerConfig`; `dlkit serve --model-config-file` and
    `tensorflow_model_server --model_config_file` take it, and read it again while they run: the
    first every second, the second with `--model_config_file_poll_wait_seconds`. It is made if it is
    missing; other models in it stay as they are, and comments are lost. The model's entry lists the
    versions that have labels: a version that a label has left is unloaded, and one without a label
    is not loaded, unless the entry has the policy `all`. TensorFlow Serving moves a label only to a
    version that it has loaded; dlkit's server loads it first.

    Reference: "Assigning string labels to model versions",
    https://www.tensorflow.org/tfx/serving/serving_config

    Args:
        base: The model's directory, which holds a directory for each version. Its name is the
            model's, unless an entry of the file has this base path.
        version: Which version gets the label.
        label: The label. Defaults to "stable".
        config: The file. Defaults to "models.config".

    Returns:
        The path of the file.

    Raises:
        InputError: when the version is not there, or the label or the file cannot be used.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("1", "2"):
        ...         (pathlib.Path(folder) / "digits" / name).mkdir(parents=True)
        ...     path = promote(f"{folder}/digits", 1, config=f"{folder}/models.config")
        ...     print(path.read_text().partition("version_labels ")[2])
        {
              key: "stable"
              value: 1
            }
          }
        }
        <BLANKLINE>
    """
    version = check_integer("version", version, minimum=0)
    if not isinstance(label, str) or not _LABEL.fullmatch(label):
        raise InputError(
            "label must be a word that can stand in a URL, without '/', ':' and spaces."
            f" Received: label={label!r}."
        )
    base = pathlib.Path(os.path.abspath(base))
    found = versions(base)
    if version not in found:
        there = ", ".join(map(str, found)) or "none"
        raise InputError(f"base='{base}' has no version {version}; it has: {there}.")
    path = pathlib.Path(config)
    models = _read(path)
    _label(_entry(models, base), label, version)
    _write(path, text_format.MessageToString(models))
    return path


def _read(path: pathlib.Path) -> ModelServerConfig:
    models = ModelServerConfig()
    try:
        text_format.Parse(path.read_text("utf-8"), models)
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise InputError(
            f"config must be a file in the text format of ModelServerConfig. Received: '{path}'"
            f" ({error})."
        ) from None
    if models.HasField("custom_model_config"):
        raise InputError(f"config='{path}' has a custom_model_config instead of a list of models.")
    return models


def _entry(models: ModelServerConfig, base: pathlib.Path) -> ModelConfig:
    """Return the entry of the model at `base`, made if it is missing."""
    listed = models.model_config_list.config
    for entry in listed:
        if os.path.normpath(entry.base_path) == str(base):
            return entry
    for entry in listed:
        if entry.name == base.name:
            raise InputError(
                f"The configuration has another model called '{base.name}', at"
                f" '{entry.base_path}', than base='{base}'; a server takes each name once."
            )
    return listed.add(name=base.name, base_path=str(base), model_platform="tensorflow")


def _label(entry: ModelConfig, label: str, version: int) -> None:
    left = entry.version_labels.get(label)
    entry.version_labels[label] = version
    if entry.model_version_policy.HasField("all"):
        return
    listed = set(entry.model_version_policy.specific.versions) - {left}
    wanted = sorted(listed | set(entry.version_labels.values()))
    entry.model_version_policy.specific.versions[:] = wanted


def _write(path: pathlib.Path, text: str) -> None:
    """Write the whole file in one step: a server may read it at any time."""
    staging = path.with_name(f".{path.name}-{uuid.uuid4().hex[:12]}")
    try:
        staging.write_text(text, "utf-8")
        staging.replace(path)
    except OSError as error:
        staging.unlink(missing_ok=True)
        raise InputError(f"config='{path}' cannot be written: {error.strerror}.") from None
