"""Export to a SavedModel for TensorFlow Serving."""
