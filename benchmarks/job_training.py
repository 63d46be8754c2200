"""One training for a table of what models learn, as `dlkit train` does it, with its CPU seconds."""

import time

import keras

from dlkit.training import set_seed


def train(job, data=None):
    """Return the trained model, its data (the job's, unless given) and the CPU seconds of `fit`."""
    keras.backend.clear_session()
    set_seed(job.seed)
    data = job.load_data() if data is None else data
    model = job.build_model(data)
    began = time.process_time()
    model.fit(data.train, validation_data=data.val, epochs=job.epochs, verbose=0)
    return model, data, time.process_time() - began
