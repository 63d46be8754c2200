"""TensorFlow Serving's small configuration files in protobuf's text format.

The package with its messages does not have these, so they are declared here, as far as a server
needs them: field names are what the text format goes by.
"""

import pathlib

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import Message

from dlkit.errors import InputError

# Message -> its fields, each a type and whether it is repeated; a capital begins a message's name.
_MESSAGES = {
    "PrometheusConfig": {"enable": "bool", "path": "string"},
    "MonitoringConfig": {"prometheus_config": "PrometheusConfig"},
    "SSLConfig": {
        "server_key": "string",
        "server_cert": "string",
        "custom_ca": "string",
        "client_verify": "bool",
    },
    "Int64Value": {"value": "int64"},
    "BoolValue": {"value": "bool"},
    "StringValue": {"value": "string"},
    "BatchingParameters": {
        "max_batch_size": "Int64Value",
        "batch_timeout_micros": "Int64Value",
        "max_enqueued_batches": "Int64Value",
        "num_batch_threads": "Int64Value",
        "thread_pool_name": "StringValue",
        "allowed_batch_sizes": "repeated int64",
        "pad_variable_length_inputs": "bool",
        "enable_large_batch_splitting": "BoolValue",
        "max_execution_batch_size": "Int64Value",
    },
}


def _declare() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(name="dlkit_serving_config.proto", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), 1):
            kind, repeated = kind.removeprefix("repeated "), kind.startswith("repeated ")
            declared = message.field.add(name=field, number=number, label=3 if repeated else 1)
            if kind[0].isupper():
                declared.type, declared.type_name = 11, f".{kind}"
            else:
                declared.type = {"bool": 8, "string": 9, "int64": 3}[kind]
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


_POOL = _declare()


def parse_config(text: str, message: str) -> Message:
    """Return a message from its text.

    Args:
        text: In protobuf's text format.
        message: The message's name, as `MonitoringConfig`.

    Raises:
        ValueError: when the text is no such message.

    Example:
        >>> config = parse_config("prometheus_config { enable: true }", "MonitoringConfig")
        >>> config.prometheus_config.enable
        True
    """
    kind = message_factory.GetMessageClass(_POOL.FindMessageTypeByName(message))
    try:
        return text_format.Parse(text, kind())
    except text_format.ParseError as error:
        raise ValueError(
            f"Error parsing text-format tensorflow.serving.{message}: {error}"
        ) from None


def read_config(argument: str, path: str, message: str) -> Message:
    """Return the message in a file.

    Args:
        argument: What the user calls the file, for messages.
        path: The file.
        message: The message's name.

    Raises:
        InputError: when it cannot be read, or is no such message.
    """
    try:
        return parse_config(pathlib.Path(path).read_text("utf-8"), message)
    except OSError as error:
        raise InputError(f"{argument} {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # of the text, or of bytes that are no text
        raise InputError(f"{argument} {path}: {error}") from None
