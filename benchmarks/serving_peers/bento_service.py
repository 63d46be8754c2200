"""BentoML: `bentoml serve bento_service:Model`."""

import bentoml
import numpy as np
from saved_model import BATCH, load

JOINED = {"batchable": True, "max_batch_size": BATCH}


@bentoml.service(workers=1, traffic={"timeout": 60})
class Model:
    """The service."""

    def __init__(self):
        self.model = load()

    @bentoml.api(**(JOINED if BATCH else {}))
    def predict(self, instances: np.ndarray) -> np.ndarray:
        """Answer with a list of probabilities an image."""
        return self.model(instances.astype(np.float32))
