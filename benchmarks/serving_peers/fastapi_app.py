"""FastAPI and the concrete function of a SavedModel: `uvicorn fastapi_app:app`."""

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel
from saved_model import load

app = FastAPI()
model = load()


class Images(BaseModel):
    """A request."""

    instances: list


@app.post("/predict")
def predict(images: Images):
    """Answer with a list of probabilities an image; FastAPI runs it in its pool of threads."""
    return {"predictions": model(np.asarray(images.instances, np.float32)).tolist()}
