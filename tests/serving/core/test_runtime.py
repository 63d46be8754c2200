"""What a runtime is by default."""

from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.signatures import Signature


class Plain(Runtime):
    signatures = {"a": Signature({}, {})}  # noqa: RUF012 - as each runtime has its own

    def run(self, signature_name, inputs):
        return {}

    def close(self):
        pass


def test_what_nobody_has_tried_is_not_joined():
    assert Plain().rowwise == frozenset()


def test_all_signatures_are_at_hand():
    assert Plain().at_hand == {"a"}


def test_each_learns_its_own_times():
    one, other = Plain(), Plain()
    one.times.learn("a", 1, 10.0, alone=True)
    assert one.times.expected("a", 1) == 10.0
    assert other.times.expected("a", 1) is None
