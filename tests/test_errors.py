"""The exceptions that end a run."""

from __future__ import annotations

import pickle

import pytest

from batchdigits.errors import BatchdigitsError, DataError, MissingExtraError, OpenCVError


@pytest.mark.parametrize("error", [DataError("no data"), MissingExtraError("training", "tensorflow"), OpenCVError()])
def test_an_error_comes_out_of_a_process_pool_as_it_was(error: BatchdigitsError) -> None:
    """One that cannot be pickled breaks the pool."""
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))
