"""One random generator for a test, always the same."""

import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(677)
