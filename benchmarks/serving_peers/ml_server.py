"""MLServer: `mlserver start DIR`, with DIR/model-settings.json."""

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse
from saved_model import load


class Model(MLModel):
    """The model, in the V2 protocol."""

    async def load(self):
        self.model = load()
        return True

    async def predict(self, payload):
        output = self.model(NumpyCodec.decode_input(payload.inputs[0]))
        encoded = NumpyCodec.encode_output("predictions", output)
        return InferenceResponse(model_name=self.name, outputs=[encoded])
