"""LitServe: `python lit_server.py PORT KEEP_ALIVE_SECONDS`."""

import sys

import litserve
import numpy as np
from saved_model import BATCH, BATCH_SECONDS, load

JOINED = {"max_batch_size": BATCH, "batch_timeout": BATCH_SECONDS}


class Model(litserve.LitAPI):
    """The model; its methods run one after the other for each request."""

    def setup(self, device):
        self.model = load()

    def decode_request(self, request):
        return np.asarray(request["instances"], np.float32)

    def batch(self, inputs):
        self.ends = np.cumsum([len(one) for one in inputs])[:-1]
        return np.concatenate(inputs)

    def predict(self, images):
        return self.model(images)

    def unbatch(self, output):
        return np.split(output, self.ends)

    def encode_response(self, output):
        return {"predictions": output.tolist()}


if __name__ == "__main__":
    api = Model(**(JOINED if BATCH else {}))
    server = litserve.LitServer(api, accelerator="cpu", devices=1, workers_per_device=1)
    port, keep_alive = map(int, sys.argv[1:])
    server.run(
        host="127.0.0.1", port=port, timeout_keep_alive=keep_alive, generate_client_file=False
    )
