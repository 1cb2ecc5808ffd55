"""On which engine of the stand-in a statement is shown: decorators that the table of the seeds reads."""

import pytest

EACH_ENGINE = pytest.mark.parametrize("engine", ["classic", "identity"])
ON_IDENTITY = pytest.mark.parametrize("engine", ["identity"])
