"""Files appear whole or not at all."""

import errno
from pathlib import Path

import pytest
import torch

from monai_harmonize.data.atomic import atomic_path

# A device on which every write fails as on a full disk.
FULL = Path("/dev/full")


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


def write_text(path: Path) -> None:
    path.write_text("some text")


def write_tensors(path: Path) -> None:
    with path.open("wb") as file:
        torch.save({"weight": torch.zeros(10_000)}, file)


@pytest.mark.skipif(not FULL.exists(), reason="needs Linux")
@pytest.mark.parametrize("write", [write_text, write_tensors])
def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path, write):
    destination = tmp_path / "model.pt"

    def fail():
        with atomic_path(destination) as temporary:
            temporary.symlink_to(FULL)
            write(temporary)

    with pytest.raises(OSError, match="No space left") as error:
        fail()
    assert error.value.errno == errno.ENOSPC
    assert error.value.filename == str(destination)
    assert list(tmp_path.iterdir()) == []


def test_what_the_system_refuses_is_told_with_the_destination_not_the_temporary_name(tmp_path):
    destination = tmp_path / "folder"
    (destination / "full").mkdir(parents=True)
    with pytest.raises(IsADirectoryError) as error, atomic_path(destination) as temporary:
        temporary.write_text("x")
    assert error.value.filename == str(destination)


def test_errors_of_other_files_stay_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError) as error, atomic_path(tmp_path / "a") as _:
        (tmp_path / "source").read_text()
    assert error.value.filename == str(tmp_path / "source")
