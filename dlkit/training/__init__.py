"""What goes around `fit`: seeds, run directories, callbacks, exact resume, compiling, scores.

Example:
    >>> import dlkit as dk
    >>> dk.training.set_seed(1)
"""

from dlkit.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "AUC": "scores",
        "CompileOptions": "compiling",
        "F1Score": "scores",
        "MeanAveragePrecision": "average_precision",
        "MeanIoU": "scores",
        "OneCycle": "schedules",
        "Precision": "scores",
        "Recall": "scores",
        "callbacks": "fit_callbacks",
        "compile_model": "compiling",
        "load_history": "run_files",
        "run_directory": "runs",
        "set_seed": "seeding",
    },
)
