import pytest

from dlkit.serving.versions.policy import VersionPolicy

FOUND = [10, 2, 42, 43]


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        pytest.param(VersionPolicy(), [43], id="L3"),
        pytest.param(VersionPolicy(count=0), [43], id="L3-0-counts-as-1"),
        pytest.param(VersionPolicy(count=2), [42, 43], id="L3-2"),
        pytest.param(VersionPolicy(count=9), [2, 10, 42, 43], id="L3-more-than-there-are"),
        pytest.param(VersionPolicy("all"), [2, 10, 42, 43], id="L4"),
        pytest.param(VersionPolicy("specific", versions=(42, 10)), [10, 42], id="L5"),
        pytest.param(VersionPolicy("specific", versions=(42, 1)), [42], id="L5-one-is-missing"),
    ],
)
def test_what_is_served(policy, wanted):
    assert policy.select(FOUND) == wanted
    assert policy.select([]) == []


def test_l5_what_is_missing():
    assert VersionPolicy("specific", versions=(42, 3, 1)).missing(FOUND) == [1, 3]
    assert VersionPolicy(count=9).missing(FOUND) == []
