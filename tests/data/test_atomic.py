"""Files appear whole or not at all."""

import pytest

from monai_harmonize.data.atomic import atomic_path


def test_file_appears_at_the_end_of_the_block(tmp_path):
    destination = tmp_path / "new" / "folder" / "image.nii.gz"
    with atomic_path(destination) as temporary:
        temporary.write_text("whole")
        assert temporary.parent == destination.parent
        assert temporary.name.endswith(".nii.gz")
        assert temporary.name.startswith(".")
        assert not destination.exists()
    assert destination.read_text() == "whole"
    assert list(destination.parent.iterdir()) == [destination]


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    destination = tmp_path / "image.png"
    destination.write_text("old")

    def fail():
        with atomic_path(destination) as temporary:
            temporary.write_text("half")
            raise RuntimeError("disk")

    with pytest.raises(RuntimeError, match="disk"):
        fail()
    assert destination.read_text() == "old"
    assert list(tmp_path.iterdir()) == [destination]


def test_failure_before_the_first_byte(tmp_path):
    with pytest.raises(RuntimeError, match="early"), atomic_path(tmp_path / "a") as _:
        raise RuntimeError("early")
    assert list(tmp_path.iterdir()) == []
