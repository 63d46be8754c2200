"""Export to LiteRT (TensorFlow Lite)."""
