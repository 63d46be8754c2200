"""A short run of column_fuzzing.py, which has 20,000 tables on demand."""

from tests.serving.column_fuzzing import fuzz


def test_no_column_goes_to_the_input_of_another():
    found = fuzz(250, seed=1)
    assert found.faults == []
    assert found.asked == 4 * found.tables and found.refused > found.tables / 2
