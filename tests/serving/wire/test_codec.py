"""What a codec of a new wire format has without a word."""

from dlkit.serving.core.status import StatusError
from dlkit.serving.wire.codec import Call, Codec


class Plain(Codec):
    method = "Predict"

    def read(self, body):
        return body

    def decode(self, request, version):
        return Call("serving_default", request, None)

    def encode(self, call, outputs):
        return outputs


def test_a_thread_reads_what_a_codec_does_not_read_at_once():
    assert Plain().decode_at_once({}, None) is None


def test_a_refusal_stays_as_it_is():
    error = StatusError("INVALID_ARGUMENT", "no")
    Plain().explain({}, error)
    assert (error.message, error.hint) == ("no", None)


def test_a_call_brings_tensors_where_nothing_else_is_said():
    assert Plain().decode({}, None).examples == 0
