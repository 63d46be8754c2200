"""What is installed here, and what is missing: the first thing to look at when something fails."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import pathlib
import platform
import sys

# Distribution -> the extra that brings it, None for what dlkit cannot do without.
PACKAGES = {
    "tensorflow": None,
    "keras": None,
    "keras-tuner": None,
    "tensorboard": None,
    "tensorflow-serving-api": None,
    "scikit-learn": None,
    "scipy": None,
    "threadpoolctl": None,
    "filelock": None,
    "numpy": None,
    "tenacity": None,
    "typer": None,
    "rich": None,
    "pyyaml": None,
    "uvicorn": "serve",
    "httptools": "serve",
    **({} if sys.platform == "win32" else {"uvloop": "serve"}),  # it is not for Windows
    "grpcio-health-checking": "serve",
    "grpcio-reflection": "serve",
    "httpx": "serve",
    "orjson": "serve",
    "pysimdjson": "serve",
    "matplotlib": "plot",
}


@dataclasses.dataclass(frozen=True)
class Fact:
    """One fact about this machine.

    Attributes:
        name: What was looked at.
        value: What was found.
        fix: What to do about it, or `None` where all is well.
    """

    name: str
    value: str
    fix: str | None = None


def examine_installation() -> list[Fact]:
    """Return the versions, extras and devices found here. Imports TensorFlow for the devices.

    Returns:
        One record a fact; those with a `fix` need mending.

    Example:
        >>> [finding.name for finding in examine_installation()][:2]
        ['python', 'dlkit']
    """
    import dlkit

    system = f"{platform.system()} {platform.machine()}"
    findings = [
        Fact("python", f"{platform.python_version()} ({system})", _python_fix()),
        Fact("dlkit", dlkit.__version__),
    ]
    findings += [_package(name, extra) for name, extra in PACKAGES.items()]
    return [*findings, *_devices()]


def _python_fix() -> str | None:
    if (3, 11) <= sys.version_info < (3, 14):
        return None
    return "dlkit runs on Python 3.11 to 3.13"


def _package(name: str, extra: str | None) -> Fact:
    try:
        return Fact(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        wanted = f"dlkit[{extra}]" if extra else "dlkit"
        return Fact(name, "missing", f'pip install "{wanted}"')


def _devices() -> list[Fact]:
    try:
        import keras
        import tensorflow as tf
    except Exception as error:  # whatever it is, to say so is what this command is for
        again = "pip install --force-reinstall tensorflow keras"
        return [Fact("import tensorflow", f"{type(error).__name__}: {error}", again)]
    gpus = tf.config.list_physical_devices("GPU")
    fix: str | None = None
    if not gpus and platform.system() == "Linux" and _has_nvidia_driver():
        fix = 'TensorFlow does not see the NVIDIA GPU: pip install "dlkit[gpu]"'
    return [
        Fact("keras backend", keras.backend.backend()),
        Fact("GPUs", ", ".join(gpu.name for gpu in gpus) or "none", fix),
    ]


def _has_nvidia_driver() -> bool:
    return pathlib.Path("/proc/driver/nvidia/version").exists()
