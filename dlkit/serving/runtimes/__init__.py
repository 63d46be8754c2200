"""The libraries that run a version: TensorFlow, ONNX Runtime, LiteRT."""
