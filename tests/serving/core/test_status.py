import grpc
import pytest

from dlkit.serving.core import status


def test_the_codes_are_grpcs_by_name_and_number():
    for code in grpc.StatusCode:
        assert status.code_by_number(code.value[0]) == code.name
    assert status.HTTP_STATUS.keys() == {code.name for code in grpc.StatusCode}
    assert status.code_by_number(99) == status.code_by_number(-1) == "UNKNOWN"


@pytest.mark.parametrize(
    ("code", "http"),
    [
        *(("INVALID_ARGUMENT", 400), ("NOT_FOUND", 404), ("UNAVAILABLE", 503), ("INTERNAL", 500)),
        *(("FAILED_PRECONDITION", 400), ("DEADLINE_EXCEEDED", 504), ("UNIMPLEMENTED", 501)),
        *(("RESOURCE_EXHAUSTED", 429), ("CANCELLED", 499), ("ABORTED", 409), ("DATA_LOSS", 500)),
    ],
)
def test_r18_http_statuses(code, http):
    assert status.StatusError(code, "text").http_status == http


def test_messages():
    assert status.invalid("x").absl() == "INVALID_ARGUMENT: x"
    assert str(status.not_available("m", None)).endswith("Latest(m)")
    assert str(status.not_available("m", 3)).endswith("Specific(m, 3)")
