"""The shared checks over every builder, and what each network is by its paper."""

import pytest

from dlkit.models.catalogue import SHIPPED
from tests.models import checks

NAMES = sorted(SHIPPED)
PAIRS = [(name, task) for name in NAMES for task in SHIPPED[name].tasks]


@pytest.mark.parametrize(("name", "task"), PAIRS)
def test_outputs_suit_the_task(name, task):
    checks.check_outputs(name, task)


@pytest.mark.parametrize(("name", "task"), PAIRS)
def test_every_weight_gets_a_gradient(name, task):
    checks.check_gradients(name, task)


@pytest.mark.parametrize(("name", "task"), PAIRS)
def test_a_tiny_batch_is_memorized(name, task):
    checks.check_memorizes(name, task)


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_model_goes_on_as_if_nothing_had_been(name, tmp_path):
    checks.check_round_trip(name, SHIPPED[name].tasks[0], tmp_path / "model.keras")


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_decides_the_weights(name):
    checks.check_seed(name, SHIPPED[name].tasks[0])


@pytest.mark.parametrize("name", NAMES)
def test_mixed_precision(name):
    checks.check_mixed_precision(name, SHIPPED[name].tasks[0])


@pytest.mark.parametrize("name", NAMES)
def test_xla_computes_the_same_step(name):
    checks.check_xla(name, SHIPPED[name].tasks[0])


@pytest.mark.parametrize("name", NAMES)
def test_activations_that_are_computed_again_change_nothing(name, tmp_path):
    checks.check_rematerialized(name, SHIPPED[name].tasks[0], tmp_path / "model.keras")


@pytest.mark.parametrize("name", NAMES)
def test_two_half_batches_are_a_whole_one_cut_to_a_norm(name):
    checks.check_accumulation(name, SHIPPED[name].tasks[0])
