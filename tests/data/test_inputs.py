"""Images that a user names."""

import os
from pathlib import Path

import pytest
from PIL import Image

from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.formats import find_volumes
from monai_harmonize.data.inputs import Inputs, named_inputs


def write_images(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 3), 7).save(folder / name)


def names(found: Inputs) -> list[str]:
    return [os.path.relpath(item["image"], found.root) for item in found.items]


def test_files_and_folders(tmp_path) -> None:
    write_images(tmp_path, "day1/x.png", "day1/deep/y.png", "day2/z.png")
    one = named_inputs(tmp_path / "day1" / "x.png")
    assert (one.root, names(one)) == (tmp_path / "day1", ["x.png"])
    folder = named_inputs(str(tmp_path / "day1"))
    assert (folder.root, names(folder)) == (tmp_path / "day1", ["deep/y.png", "x.png"])
    several = named_inputs([tmp_path / "day1" / "deep", str(tmp_path / "day2" / "z.png")])
    assert (several.root, names(several)) == (tmp_path, ["day1/deep/y.png", "day2/z.png"])
    assert all(set(item) == {"image"} for item in several.items)


def test_results_are_no_inputs(tmp_path) -> None:
    write_images(tmp_path, "x.png", "results/x.png")
    assert names(named_inputs(tmp_path)) == ["results/x.png", "x.png"]
    assert names(named_inputs(tmp_path, tmp_path / "results")) == ["x.png"]


def test_no_input_folder_holds_the_results(tmp_path) -> None:
    write_images(tmp_path, "day1/x.png", "day2/y.png")
    (tmp_path / "link").symlink_to(tmp_path / "day2")
    for output in (tmp_path / "day2", str(tmp_path / "day1" / ".." / "day2"), tmp_path / "link"):
        with pytest.raises(InputError, match="is an input folder; results go to a folder of their own"):
            named_inputs([tmp_path / "day1", tmp_path / "day2"], output)
    assert len(named_inputs(tmp_path / "day1" / "x.png", tmp_path / "day1").items) == 1


def test_a_folder_of_slices_is_one_volume_on_request(tmp_path) -> None:
    for name in ("a/1", "a/2", "b/1"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\0" * 128 + b"DICM")
    assert names(named_inputs(tmp_path, find=find_volumes)) == ["a", "b"]
    assert names(named_inputs(tmp_path)) == ["a/1", "a/2", "b/1"]


def test_relative_inputs_have_an_absolute_root(tmp_path, monkeypatch) -> None:
    write_images(tmp_path, "day1/x.png")
    monkeypatch.chdir(tmp_path)
    found = named_inputs("day1")
    assert found.root == tmp_path / "day1"
    assert found.items == [{"image": "day1/x.png"}]


def test_inputs_that_do_not_exist_or_hold_nothing(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    for name, told in (("empty", "empty: the folder holds no"), ("absent.png", r"absent\.png: there is no such file")):
        with pytest.raises(ImageFileError, match=told):
            named_inputs(tmp_path / name)
    with pytest.raises(InputError, match="no input is given"):
        named_inputs([])
