"""The error of image files."""

import pickle
from pathlib import Path

import pytest

from monai_harmonize.data.errors import ImageFileError


def test_message_starts_with_the_path():
    error = ImageFileError(Path("folder/film.dcm"), "Rows (0028,0010) is 0")
    assert str(error) == "folder/film.dcm: Rows (0028,0010) is 0"
    assert (error.path, error.reason) == ("folder/film.dcm", "Rows (0028,0010) is 0")
    with pytest.raises(ValueError, match="film"):
        raise error


def test_error_survives_the_way_out_of_a_worker_process():
    error = pickle.loads(pickle.dumps(ImageFileError("film.dcm", "is cut")))
    assert (str(error), error.path, error.reason) == ("film.dcm: is cut", "film.dcm", "is cut")
