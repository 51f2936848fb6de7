"""Paths of results."""

from pathlib import Path

import pytest

from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.output_paths import OutputPaths


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("in/a.dcm", "a.pr.dcm"),
        ("in/deep/b.DCM", "deep/b.pr.dcm"),
        ("in/1.2.840.77", "1.2.840.77.pr.dcm"),
        ("elsewhere/c.nii.gz", "c.pr.dcm"),
        ("in/series", "series.pr.dcm"),
        ("in", "in.pr.dcm"),
    ],
)
def test_extension_replaces_that_of_the_source(tmp_path, source, expected):
    paths = OutputPaths(tmp_path / "out", tmp_path / "in", extension=".pr.dcm")
    assert paths.path_for(tmp_path / source) == tmp_path / "out" / expected


def test_sources_keep_their_extension_and_folder():
    assert OutputPaths("out", "in", "_h").path_for(Path("in/x/a.nii.gz")) == Path("out/x/a_h.nii.gz")


def test_two_sources_of_one_name(tmp_path):
    paths = OutputPaths(tmp_path)
    assert paths.path_for(Path("one/a.png")) == paths.path_for(Path("one/../one/a.png"))
    with pytest.raises(ImageFileError, match=r"two/a\.png: .*would replace that of .*one/a\.png.*data_root"):
        paths.path_for(Path("two/a.png"))


@pytest.mark.parametrize("options", [{"suffix": "/../x"}, {"extension": "/x"}])
def test_names_are_no_paths(options):
    with pytest.raises(ValueError, match="separator"):
        OutputPaths("out", **options)
