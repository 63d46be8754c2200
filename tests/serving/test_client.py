import numpy as np
import pytest

from dlkit.errors import ServerError


def test_predict_gives_what_the_model_computes(half_client):
    answer = half_client.predict(np.array([1.0, 2.0, 5.0], np.float32))
    np.testing.assert_array_equal(answer, [2.5, 3.0, 4.5])


def test_status_names_the_version(half_client):
    (state,) = half_client.status()
    assert (state["version"], state["state"]) == ("1", "AVAILABLE")


def test_a_refusal_carries_the_servers_sentence(half_client):
    with pytest.raises(ServerError, match='JSON Value: "a" Type: String is not of expected type'):
        half_client.predict(["a"])
