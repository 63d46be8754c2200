"""Requests put together as TensorFlow Serving does it: its BatchingParameters."""
