"""What ``harmonize`` writes, tells and refuses."""

import shutil
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import torch
from monai.bundle import ConfigParser
from PIL import Image

from monai_harmonize.engines.weights import save_weights
from monai_harmonize.phantoms import ensure_ct_dataset
from monai_harmonize.safety.certificate_table import CertificateTable


def files(folder: Path, ending: str = "") -> dict[str, bytes]:
    """Content of the files of a folder by relative path."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name.endswith(ending))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def verdicts(folder: Path) -> dict[str, str]:
    return {name: row["verdict"] for name, row in CertificateTable(folder / "certificates.csv").known().items()}


def cells(output: str) -> list[str]:
    """The row of the table at the end."""
    return next(line for line in output.splitlines() if line.startswith("│")).replace("│", " ").split()


def test_images_keep_their_places_and_are_counted(cli, scans: Path, model: Path, judged, tmp_path: Path) -> None:
    done = cli("harmonize", scans, "--checkpoint", model, "--overlay", judged("warn"), "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert set(files(tmp_path / "out", ".dcm")) == set(files(scans))
    assert set(verdicts(tmp_path / "out").values()) == {"warn"}
    assert cells(done.stdout)[:6] == ["3", "0", "3", "0", "0", "0"]
    assert f"{tmp_path}/out/certificates.csv" in done.stdout
    assert "Epoch" not in done.output


def test_ct_among_radiographs_is_no_radiograph(cli, scans: Path, model: Path, tmp_path: Path) -> None:
    """A curve of radiographs would bend Hounsfield units, and the certificate pass."""
    good = set(files(scans))
    ct = pydicom.dcmread(next(scans.rglob("*.dcm")))
    ct.Modality = "CT"
    ct.save_as(scans / "slice.dcm")
    nibabel.save(nibabel.Nifti1Image(np.arange(512, dtype=np.int16).reshape(8, 8, 8), np.eye(4)), scans / "ct.nii.gz")
    done = cli("harmonize", scans, "--checkpoint", model, "--output", tmp_path / "out")
    assert done.exit_code == 1
    told = " ".join(done.stderr.split())
    assert "slice.dcm: is CT (Modality, SOP Class); expected a radiograph; take a bundle for CT" in told
    assert "ct.nii.gz: is a volume of 8 slices; expected a radiograph; take a bundle for CT" in told
    assert set(files(tmp_path / "out", ".dcm")) == good
    assert not list((tmp_path / "out").rglob("ct*"))


def test_one_unreadable_file_among_good_ones(cli, scans: Path, model: Path, tmp_path: Path) -> None:
    good = set(files(scans))
    (scans / "cut.dcm").write_bytes(next(iter(files(scans).values()))[:900])
    given = ("harmonize", scans, "--checkpoint", model / "model.pt", "--output", tmp_path / "out")
    done = cli(*given)
    assert done.exit_code == 1
    assert "cut.dcm" in done.stderr
    assert "1 of 4 files failed" in " ".join(done.stderr.split())
    assert cells(done.stdout)[0] == "4"
    assert cells(done.stdout)[4:6] == ["0", "1"]
    assert set(files(tmp_path / "out", ".dcm")) == good
    # Again: only the bad file is tried, and nothing at all can be done.
    done = cli(*given)
    assert done.exit_code == 1
    assert cells(done.stdout)[4:6] == ["3", "1"]
    assert "cut.dcm" in done.stderr


def test_links_and_earlier_results_among_the_inputs(cli, scans: Path, model: Path, tmp_path: Path) -> None:
    """A link to nothing fails and is told at every run; a linked folder is followed; results are not done again."""
    good = set(files(scans))
    linked = shutil.copytree(scans, tmp_path / "linked")
    (scans / "series").symlink_to(linked)
    given = ("harmonize", scans, "--checkpoint", model, "--output")
    assert cli(*given, scans / "out").exit_code == 0
    assert set(files(scans / "out", ".dcm")) == good | {f"series/{name}" for name in good}
    (scans / "annexed.dcm").symlink_to(tmp_path / "annex" / "object")
    for earlier in ("0", str(2 * len(good))):
        done = cli(*given, scans / "out2")
        assert done.exit_code == 1
        assert "annexed.dcm: is a link to a file that is not there" in " ".join(done.stderr.split())
        assert cells(done.stdout)[0] == str(2 * len(good) + 1)
        assert cells(done.stdout)[4:6] == [earlier, "1"]
    assert set(files(scans / "out2", ".dcm")) == set(files(scans / "out", ".dcm"))


@pytest.mark.slow
def test_a_bad_file_alone_is_told_without_a_traceback(command, scans: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.dcm").write_bytes(next(iter(files(scans).values()))[:900])
    done = command("harmonize", tmp_path / "cut.dcm", "--checkpoint", model, "--output", tmp_path / "out")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cut.dcm" in done.stderr


@pytest.mark.parametrize("on_fail", ["write", "skip", "copy", "stop"])
def test_on_fail(cli, scans: Path, model: Path, judged, tmp_path: Path, on_fail: str) -> None:
    before, out = files(scans), tmp_path / "out"
    given = ("harmonize", scans, "--checkpoint", model, "--overlay", judged("fail"), "--output", out)
    done = cli(*given, "--on-fail", on_fail, "--panels", "none")
    assert done.exit_code == (3 if on_fail == "stop" else 0), done.output
    assert files(scans) == before
    images = files(out, ".dcm")
    if on_fail == "write":
        assert set(images) == set(before)
        assert all(images[name] != before[name] for name in before)
    else:
        assert images == (before if on_fail == "copy" else {})
    assert set(verdicts(out).values()) == {"fail"}
    assert len(verdicts(out)) == len(files(out, ".certificate.json")) == (1 if on_fail == "stop" else 3)
    assert ("Stopped: " in done.stdout) == (on_fail == "stop")
    again = cli(*given, "--on-fail", on_fail, "--panels", "none")
    assert again.exit_code == done.exit_code
    assert cells(again.stdout)[4] == ("0" if on_fail == "stop" else "3")


@pytest.mark.parametrize("on_fail", ["skip", "copy", "stop"])
def test_on_fail_leaves_good_images_alone(cli, scans: Path, model: Path, judged, tmp_path: Path, on_fail: str) -> None:
    given = ("harmonize", scans, "--checkpoint", model, "--overlay", judged("pass"))
    assert cli(*given, "--output", tmp_path / "plain").exit_code == 0
    assert cli(*given, "--output", tmp_path / "out", "--on-fail", on_fail).exit_code == 0
    assert set(files(tmp_path / "out", ".dcm")) == set(files(scans))
    for name in files(scans):
        new, plain = (pydicom.dcmread(tmp_path / folder / name) for folder in ("out", "plain"))
        assert new.PixelData == plain.PixelData


def test_a_result_of_before_is_removed_where_its_certificate_fails(cli, scans, model, judged, tmp_path: Path) -> None:
    given = ("harmonize", scans, "--checkpoint", model, "--output", tmp_path / "out", "--panels", "none")
    assert cli(*given, "--overlay", judged("pass")).exit_code == 0
    assert len(files(tmp_path / "out", ".dcm")) == 3
    assert cli(*given, "--overlay", judged("fail"), "--on-fail", "skip").exit_code == 0
    assert files(tmp_path / "out", ".dcm") == {}


@pytest.mark.slow
def test_a_random_cyclegan_fails_and_is_not_written(cli, scans: Path, tmp_path: Path) -> None:
    parser = ConfigParser()
    parser.read_config("bundles/cyclegan_cxr/configs/inference.json")
    torch.manual_seed(0)
    network = parser.get_parsed_content("network_def")
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    weights = save_weights(network, tmp_path / "model.pt")
    given = ("harmonize", scans, "--bundle", "cyclegan_cxr", "--checkpoint", weights, "--output", tmp_path / "out")
    done = cli(*given, "--on-fail", "skip", "--panels", "none")
    assert done.exit_code == 0, done.output
    assert set(verdicts(tmp_path / "out").values()) == {"fail"}
    assert files(tmp_path / "out", ".dcm") == {}
    assert set(files(tmp_path / "out", ".certificate.json"))


def test_presentation_states(cli, scans: Path, model: Path, judged, tmp_path: Path) -> None:
    given = ("harmonize", scans, "--checkpoint", model, "--output", tmp_path / "out", "--presentation-state")
    assert cli(*given, "--overlay", judged("pass")).exit_code == 0
    states = sorted((tmp_path / "out").rglob("*.pr.dcm"))
    assert len(states) == 3
    assert {pydicom.dcmread(path).Modality for path in states} == {"PR"}
    assert len(files(tmp_path / "out", ".dcm")) == 3
    again = cli(*given, "--overlay", judged("pass"))
    assert cells(again.stdout)[4] == "3"
    failing = (*given, "--overlay", judged("fail"), "--on-fail", "copy")
    assert cells(cli(*failing).stdout)[4] == "0"
    assert files(tmp_path / "out", ".dcm") == {}
    assert cells(cli(*failing).stdout)[4] == "3"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--project", "g0"), "--project: the bundle tone_curve_cxr"),
        (("--bundle", "cyclegan_cxr", "--presentation-state"), "--presentation-state: the bundle cyclegan_cxr"),
        (("--bundle", "cyclegan_cxr", "--inverted", "turn"), "--inverted: the bundle cyclegan_cxr"),
        (("--bundle", "cyclegan_cxr", "--to", "site_c"), "--to: the bundle cyclegan_cxr"),
        (("--bundle", "lung_segmentation_cxr"), "is no harmonizer"),
        (("--bundle", "collagan_cxr"), "works on several images of a patient at once"),
        (("--bundle", "none_cxr"), "tone_curve_cxr"),
        (("--overlay", "none"), "it has evaluate, filter"),
        (("--pattern", "*.png"), "--pattern *.png"),
        (("--checkpoint", "none.pt"), "there are no trained weights"),
        (("--overlay", "filter"), "weights of another network"),
    ],
)
def test_what_a_bundle_cannot_do(cli, scans: Path, model: Path, tmp_path: Path, options, message: str) -> None:
    weights = shutil.copy(model / "model.pt", tmp_path / "weights.pt")  # without the note of their bundle
    done = cli("harmonize", scans, "--checkpoint", weights, *options, "--output", tmp_path / "out")
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_inputs_are_refused_as_results(cli, scans: Path, model: Path, tmp_path: Path) -> None:
    before = files(scans)
    same = cli("harmonize", scans, "--checkpoint", model, "--output", scans.parent / "scans" / ".." / "scans")
    assert same.exit_code == 2
    assert "is an input folder" in same.stderr
    single = next(path for path in scans.iterdir() if path.is_file())
    assert cli("harmonize", single, "--checkpoint", model, "--output", scans).exit_code == 2
    # By another name: a link in the results' folder leads back to the source.
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / single.name).symlink_to(single)
    linked = cli("harmonize", single, "--checkpoint", model, "--output", tmp_path / "out")
    assert linked.exit_code == 2
    assert "is an input and is not overwritten" in linked.stderr
    assert files(scans) == before


def test_a_folder_of_results_within_the_input_is_no_input(cli, scans: Path, model: Path) -> None:
    given = ("harmonize", scans, "--checkpoint", model, "--output", scans / "out", "--panels", "none")
    assert cells(cli(*given).stdout)[0] == "3"
    again = cli(*given)
    assert cells(again.stdout)[0] == cells(again.stdout)[4] == "3"


def test_a_bundle_by_its_path(cli, scans: Path, model: Path, tmp_path: Path) -> None:
    shutil.copytree("bundles/tone_curve_cxr", tmp_path / "mine" / "tone_curve_cxr")
    bundle = tmp_path / "mine" / "tone_curve_cxr"
    shutil.copytree(model, bundle / "models")
    done = cli("harmonize", scans, "--bundle", bundle, "--output", tmp_path / "out", "--workers", "1")
    assert done.exit_code == 0, done.output
    assert len(files(tmp_path / "out", ".dcm")) == 3


def test_the_projection_of_a_site_is_one_curve_for_images_of_all_sizes(cli, tmp_path: Path) -> None:
    """An image that is added later changes the curve of all, and no image is left with the old one."""
    torch.manual_seed(0)
    parser = ConfigParser()
    parser.read_config("bundles/cyclegan_cxr/configs/inference.json")
    network = parser.get_parsed_content("network_def")
    torch.nn.init.normal_(network.layers[-1].weight, std=0.2)  # a new one changes next to nothing
    weights = save_weights(network, tmp_path / "model.pt")
    levels = np.tile(np.arange(256, dtype=np.uint8), (40, 1))
    (tmp_path / "scans").mkdir()
    Image.fromarray(levels).save(tmp_path / "scans" / "a.png")
    given = ("harmonize", tmp_path / "scans", "--bundle", "cyclegan_cxr", "--checkpoint", weights, "--output")
    given = (*given, tmp_path / "out", "--project", "site", "--panels", "none")
    assert cli(*given).exit_code == 0
    first = np.asarray(Image.open(tmp_path / "out" / "a.png"))[0]
    Image.fromarray(np.ascontiguousarray(levels[:, ::-1] // 2 + 60).repeat(2, axis=0)).save(
        tmp_path / "scans" / "b.png"
    )
    assert cli(*given).exit_code == 0
    results = [np.asarray(Image.open(tmp_path / "out" / name)) for name in ("a.png", "b.png")]
    assert (results[0][0] != first).any()
    assert np.array_equal(results[1][0], results[0][0][levels[0, ::-1] // 2 + 60])
    assert cells(cli(*given).stdout)[4] == "2"


@pytest.mark.slow
def test_a_bundle_may_take_series_as_volumes(cli, tmp_path: Path) -> None:
    """Of site_curve_ct with an overlay; a second run finds the series done, a changed slice is noticed."""
    counts = {"test": 2}
    options = {"shape": (12, 10, 8), "file_format": "dicom", "progress": False, "workers": 1}
    ensure_ct_dataset(tmp_path / "ct", sites=("site_a",), anatomies_per_site=counts, **options)
    parser = ConfigParser()
    parser.read_config("bundles/site_curve_ct/configs/inference.json")
    weights = save_weights(parser.get_parsed_content("network_def"), tmp_path / "model.pt")
    overlay = tmp_path / "series.json"
    overlay.write_text('{"series": true}')
    scans = tmp_path / "ct" / "test" / "site_a"
    given = ("harmonize", scans, "--bundle", "site_curve_ct", "--checkpoint", weights, "--panels", "none")
    given = (*given, "--output", tmp_path / "out", "--overlay", overlay)
    done = cli(*given)
    assert done.exit_code == 0, done.output
    folders = sorted(path.name for path in scans.iterdir() if path.is_dir())
    assert cells(done.stdout)[0] == "2"
    assert sorted(verdicts(tmp_path / "out")) == folders
    for name in folders:
        before, after = (
            {path.name: pydicom.dcmread(path) for path in sorted((root / name).glob("*.dcm"))}
            for root in (scans, tmp_path / "out")
        )
        assert list(before) == list(after)
        assert len({slice_.SeriesInstanceUID for slice_ in after.values()}) == 1
        # A new curve is the identity.
        assert all(np.array_equal(before[file].pixel_array, after[file].pixel_array) for file in before)
    made = files(tmp_path / "out", ".dcm")
    assert cells(cli(*given).stdout)[4] == "2"
    (scans / folders[0] / "0003.dcm").unlink()
    done = cli(*given)
    assert done.exit_code == 1
    assert "missing slice" in " ".join(done.stderr.split())
    assert files(tmp_path / "out", ".dcm") == made
