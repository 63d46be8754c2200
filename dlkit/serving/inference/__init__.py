"""From a request, read, to the model's answer: the same for every wire format."""
