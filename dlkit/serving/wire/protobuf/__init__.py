"""TensorFlow Serving's messages."""
