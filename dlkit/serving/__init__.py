"""A model server that speaks TensorFlow Serving's REST and gRPC APIs, and clients for them.

A SavedModel base directory goes in (`<base>/<version>/saved_model.pb`, as `dlkit.export` writes it
and TensorFlow Serving reads it), `http://host:port/v1/models/<name>:predict` comes out. The way of
a request: `process` starts `rest_api` and `grpc_api`, `security` asks who it is, `wire` has the
formats, `inference` finds the version in `versions` and runs it with one of `runtimes`, with others
where `batching` says so; `observability` counts it. `core` is what all stand on; `client` stands on
`core` and `wire` alone.
"""

from dlkit.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "AsyncClient": "client.async_rest_client",
        "AsyncGrpcClient": "client.async_grpc_client",
        "Client": "client.rest_client",
        "GrpcClient": "client.grpc_client",
        "Server": "process.child",
        "read_inputs": "client.request_files",
        "serve": "process.serve",
    },
)
