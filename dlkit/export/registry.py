"""What MLflow loads a model by. Registered models hold this module's name, so that it stays."""

from dlkit.export.versioning.mlflow_registry import Served


def _load_pyfunc(path: str) -> Served:
    """Return what `mlflow.pyfunc.load_model` asks; the name and the argument are MLflow's."""
    return Served(path)
