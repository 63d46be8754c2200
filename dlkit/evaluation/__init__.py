"""A trained model in numbers and pictures."""

from dlkit.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "confusion_matrix": "predictions",
        "plot_confusion_matrix": "plots",
        "plot_history": "plots",
        "plot_predictions": "plots",
        "predict": "predictions",
    },
)
