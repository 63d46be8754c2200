"""tf.Example without TensorFlow: the same bytes on the wire, by messages declared here.

TensorFlow's own messages are in its package, and to import one of them imports all of it.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_LISTS = {
    "bytes_list": ("BytesList", 12),
    "float_list": ("FloatList", 2),
    "int64_list": ("Int64List", 3),
}
_REPEATED, _OPTIONAL, _MESSAGE, _STRING = 3, 1, 11, 9


def _declare() -> descriptor_pool.DescriptorPool:
    """Return a pool of its own: in the common one, TensorFlow's would not go beside these."""
    file = descriptor_pb2.FileDescriptorProto(
        name="dlkit_example.proto", package="tensorflow", syntax="proto3"
    )
    feature = descriptor_pb2.DescriptorProto(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (field, (name, kind)) in enumerate(_LISTS.items(), 1):
        values = file.message_type.add(name=name)
        values.field.add(name="value", number=1, label=_REPEATED, type=kind)
        _add_message(feature, field, number, name).oneof_index = 0
    file.message_type.append(feature)
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=_OPTIONAL, type=_STRING)
    _add_message(entry, "value", 2, "Feature")
    _add_message(features, "feature", 1, "Features.FeatureEntry").label = _REPEATED
    _add_message(file.message_type.add(name="Example"), "features", 1, "Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _add_message(
    message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str
) -> descriptor_pb2.FieldDescriptorProto:
    return message.field.add(
        name=name, number=number, label=_OPTIONAL, type=_MESSAGE, type_name=f".tensorflow.{kind}"
    )


_POOL = _declare()
Example = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("tensorflow.Example"))
Feature = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("tensorflow.Feature"))
