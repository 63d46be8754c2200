import os
import pathlib

import pytest

from dlkit.errors import InputError
from dlkit.tuning.parallel.roles import Role, find_role, is_for_another, taken_by

HERE = pathlib.Path("searches/mine")


@pytest.fixture
def told(monkeypatch):
    def tell(**variables):
        for name in [name for name in os.environ if name.startswith(("KERASTUNER_", "DLKIT_SEA"))]:
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    tell()
    return tell


@pytest.mark.parametrize("one_trial", [False, True])
def test_a_process_finds_the_role_that_it_was_given(one_trial, told):
    role = Role("worker3", "10.0.0.1", 5000, one_trial)
    told(**role.environment(HERE))
    assert find_role(HERE) == role and not role.is_chief
    assert find_role(pathlib.Path("searches/other")) is None  # another search of the same script
    assert is_for_another(pathlib.Path("searches/other")) and not is_for_another(HERE)


def test_kerastuners_own_variables_are_enough(told):
    assert find_role(HERE) is None
    names = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")
    told(**dict(zip(names, ("chief", "0.0.0.0", "8000"), strict=True)))
    assert find_role(HERE) == Role("chief", "0.0.0.0", 8000)
    assert find_role(HERE).is_chief


def test_half_of_the_variables_are_refused(told):
    told(KERASTUNER_ORACLE_IP="10.0.0.1", KERASTUNER_ORACLE_PORT="many")
    with pytest.raises(InputError, match=r"KERASTUNER_TUNER_ID.*Received: .*'many'"):
        find_role(HERE)


def test_kerastuner_sees_a_worker_and_no_chief(told):
    told(**Role("chief", "10.0.0.1", 5000).environment(HERE))
    with taken_by(find_role(HERE)):
        assert "KERASTUNER_ORACLE_IP" not in os.environ
    assert os.environ["KERASTUNER_TUNER_ID"] == "chief"
    with taken_by(Role("worker0", "10.0.0.1", 5000)):
        assert os.environ["KERASTUNER_TUNER_ID"] == "worker0"
    told()
    with taken_by(None):
        pass
    assert "KERASTUNER_ORACLE_IP" not in os.environ
