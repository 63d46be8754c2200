"""Hyperparameter search: KerasTuner, made to be killed, watched and trusted.

Example:
    >>> import dlkit as dk
    >>> sorted(dk.tuning.space("lenet5"))
    ['activation', 'batch_size', 'dropout', 'learning_rate']
"""

from dlkit.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Boolean": "spaces",
        "Choice": "spaces",
        "Float": "spaces",
        "Int": "spaces",
        "best_model": "reading",
        "report": "report_page",
        "results": "reading",
        "search": "searching",
        "space": "spaces",
    },
)
