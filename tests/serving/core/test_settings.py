import pytest

from dlkit.errors import InputError
from dlkit.serving.core.settings import Settings


def test_defaults_are_tensorflow_servings():
    settings = Settings.of("serve", {})
    assert (settings.poll_seconds, settings.num_versions, settings.timeout_seconds) == (
        1.0,
        1,
        30.0,
    )
    assert (settings.max_body_bytes, settings.warmup, settings.cors) == (100 * 2**20, True, False)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"pol_seconds": 1}, "Server has no option 'pol_seconds'. Did you mean 'poll_seconds'?"),
        ({"poll_seconds": -1}, "poll_seconds must be a number of seconds.*poll_seconds=-1"),
        ({"timeout_seconds": "30"}, "timeout_seconds must be.*timeout_seconds='30'"),
        ({"num_versions": 0}, "num_versions must be.*at least 1.*num_versions=0"),
        ({"max_body_bytes": 1.5}, "max_body_bytes must be.*max_body_bytes=1.5"),
        ({"threads": -1}, "threads must be.*at least 0.*threads=-1"),
        ({"cors": "yes"}, "cors must be True or False. Received: cors='yes'"),
        ({"warmup": 1}, "warmup must be True or False. Received: warmup=1"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(options, sentence):
    with pytest.raises(InputError, match=sentence):
        Settings.of("Server", options)
