"""Whether an export answers as the Keras model did."""
