"""A model server that speaks TensorFlow Serving's REST and gRPC APIs, and clients for them.

A SavedModel base directory goes in (`<base>/<version>/saved_model.pb`, as `dlkit.export` writes it
and TensorFlow Serving reads it), `http://host:port/v1/models/<name>:predict` comes out. The flow, a
module each: `json_numbers` or `json_text` -> `json_tensor` (request to arrays) -> `versions` (which
model answers) -> `choosing` (`runtime`, `onnx_model` or `litert_model` runs it) -> `json_answer`
(arrays to text), put behind HTTP by `gathering`, `rest` and `server`. gRPC
beside it: `tensor_protos` (messages to arrays and back) -> `predict_proto` (the same `versions` and
`runtime`) -> `grpc_service` -> `grpc_server`. Around it: `model_config` (which models) ->
`model_set` (how another configuration takes over) -> `versions`; `batching` between `versions` and
`runtime`; `monitoring`, `api_keys` and `tls` before `rest` and `grpc_server`; `docs_page` and
`admin` beside `rest`. `model_server` has the flags of `tensorflow_model_server`.
"""

from dlkit.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "AsyncClient": "async_client",
        "AsyncGrpcClient": "async_grpc_client",
        "Client": "client",
        "GrpcClient": "grpc_client",
        "Server": "process",
        "read_inputs": "inputs",
        "serve": "server",
    },
)
