"""Real data that tests plant faults into."""

import pytest
from sklearn import datasets


@pytest.fixture(scope="session")
def cancer():
    return datasets.load_breast_cancer(return_X_y=True)
