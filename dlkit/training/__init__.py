"""What goes around `fit`: seeds, run directories, callbacks, exact resume, schedules, compiling.

Example:
    >>> import dlkit as dk
    >>> dk.training.set_seed(1)
"""

from dlkit.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "CompileOptions": "compiling",
        "OneCycle": "schedules",
        "callbacks": "watching",
        "compile_model": "compiling",
        "load_history": "records",
        "run_directory": "runs",
        "set_seed": "seeding",
    },
)
