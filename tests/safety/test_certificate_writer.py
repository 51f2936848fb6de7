"""Certificates beside the images of an inference run, and the table that a later run continues."""

import csv
import json

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose
from PIL import Image

from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.networks.site_tone_curve import SiteToneCurve
from monai_harmonize.safety.certificate_table import COLUMNS, CertificateTable
from monai_harmonize.safety.certificate_writer import CertificateWriter
from monai_harmonize.safety.certify_transform import CertifyHarmonizedd, stored_levels
from monai_harmonize.transforms import LoadRadiographd, RestoreGreyLevelsd, SaveLikeSourced, ScaleGreyLevelsd


def curve(image):
    return image + 0.2 * (1 - image**2)


def inverted(image):
    return -image


@pytest.fixture
def films(tmp_path):
    ramp = np.add.outer(np.arange(48), np.arange(40)) * 2 + 20
    made = []
    for number, name in enumerate(("a.png", "b.png", "sub/a.png")):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 12, ramp.shape)
        Image.fromarray((ramp + noise).astype(np.uint8)).save(path)
        made.append(path)
    return made


def chain(tmp_path, network, **options):
    writer = CertificateWriter("pred", tmp_path / "out", panels=options.pop("panels", "none"))
    steps = [
        LoadRadiographd("image"),
        ScaleGreyLevelsd("image"),
        lambda item: {**item, "pred": network(item["image"])},
        CertifyHarmonizedd("pred", options.pop("guarantee_class", "G0"), **options),
        RestoreGreyLevelsd("pred"),
        SaveLikeSourced("pred", tmp_path / "out", data_root=tmp_path / "in"),
        writer,
    ]
    return Compose(steps), writer


def rows(tmp_path):
    with (tmp_path / "out" / "certificates.csv").open(newline="") as table:
        return list(csv.DictReader(table))


def test_run_writes_json_and_a_row_per_file(tmp_path, films):
    run, writer = chain(tmp_path, curve, bundle="tone", version="0.1.0", weights_digest="0123456789ab")
    item = run({"image": films[0]})
    for film in films[1:]:
        run({"image": film})
    assert writer.verdicts == {"pass": 3}
    assert item["certificate"].verdict == "pass"
    assert "measurement" not in item  # arrays do not pile up
    record = json.loads((tmp_path / "out" / "sub" / "a.certificate.json").read_text())
    assert record["provenance"] == {
        "file": "a.png",
        "bundle": "tone",
        "version": "0.1.0",
        "weights_digest": "0123456789ab",
        "polarity_turned": False,
        "polarity_corrected": None,
        "template_correlation": None,
    }
    assert record["stored_levels"] == 256
    assert record["shape"] == [40, 48]  # columns, rows
    assert record["spacing"] is None
    table = rows(tmp_path)
    assert [row["file"] for row in table] == ["a.png", "b.png", "sub/a.png"]
    assert {row["verdict"] for row in table} == {"pass"}
    assert tuple(table[0]) == COLUMNS
    assert not list((tmp_path / "out").rglob("*.certificate.png"))


def test_merged_levels_are_those_of_the_saved_file(tmp_path, films):
    run, _ = chain(tmp_path, curve)
    run({"image": films[0]})
    before, after = (np.asarray(Image.open(folder / "a.png")) for folder in (tmp_path / "in", tmp_path / "out"))
    table = {level: after[before == level][0] for level in np.unique(before)}
    outputs = list(table.values())
    share = np.mean([outputs.count(output) > 1 for output in outputs])
    record = json.loads((tmp_path / "out" / "a.certificate.json").read_text())
    assert 0 < share < 1
    assert record["measures"]["merged_levels"] == pytest.approx(share)


def test_failures_are_told_and_drawn(tmp_path, films):
    run, writer = chain(tmp_path, inverted, panels="not_passed")
    run({"image": films[0]})
    good, _ = chain(tmp_path, curve, panels="not_passed")
    good({"image": films[1]})
    assert writer.verdicts == {"fail": 1}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a.certificate.json",
        "a.certificate.png",
        "a.png",
        "b.certificate.json",
        "b.png",
        "certificates.csv",
    ]
    assert [row["verdict"] for row in rows(tmp_path)] == ["fail", "pass"]
    assert "rank correlation" in rows(tmp_path)[0]["reasons"]


def test_rerun_continues_the_table_and_replaces_rows(tmp_path, films):
    run, _ = chain(tmp_path, inverted)
    for film in films[:2]:
        run({"image": film})
    run, _ = chain(tmp_path, curve)
    for film in films[1:]:
        run({"image": film})
    assert [(row["file"], row["verdict"]) for row in rows(tmp_path)] == [
        ("a.png", "fail"),
        ("b.png", "pass"),
        ("sub/a.png", "pass"),
    ]


def test_torn_line_of_an_interruption_is_left_out(tmp_path, films):
    run, _ = chain(tmp_path, curve)
    for film in films[:2]:
        run({"image": film})
    path = tmp_path / "out" / "certificates.csv"
    path.write_text(path.read_text()[:-20])
    run, _ = chain(tmp_path, curve)
    run({"image": films[2]})
    assert [row["file"] for row in rows(tmp_path)] == ["a.png", "sub/a.png"]


def test_table_of_an_older_version_keeps_its_rows(tmp_path, films):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "certificates.csv").write_text("file,verdict,beauty\nold.png,pass,1\n")
    run, _ = chain(tmp_path, curve)
    run({"image": films[0]})
    assert [(row["file"], row["verdict"]) for row in rows(tmp_path)] == [("old.png", "pass"), ("a.png", "pass")]


def test_a_failed_write_leaves_the_table_as_it_was(tmp_path, films, monkeypatch):
    run, _ = chain(tmp_path, curve)
    run({"image": films[0]})
    before = (tmp_path / "out" / "certificates.csv").read_text()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        CertificateTable(tmp_path / "out" / "certificates.csv").put(
            "a.png", run.transforms[3](item_of(films[0]))["certificate"]
        )
    monkeypatch.undo()
    assert (tmp_path / "out" / "certificates.csv").read_text() == before


def item_of(film):
    item = ScaleGreyLevelsd("image")(LoadRadiographd("image")({"image": film}))
    return {**item, "pred": curve(item["image"])}


def test_same_stem_of_two_formats_keeps_both_certificates(tmp_path, films):
    Image.open(films[0]).save(tmp_path / "in" / "a.jpg")
    run, _ = chain(tmp_path, curve)
    run({"image": films[0]})
    run({"image": tmp_path / "in" / "a.jpg"})
    found = sorted(path.name for path in (tmp_path / "out").glob("*.certificate.json"))
    assert found == ["a.certificate.json", "a.jpg.certificate.json"]


def test_declared_curve_of_a_network_is_compared(tmp_path, films):
    tone = SiteToneCurve(num_knots=5)
    tone.set_knots(np.linspace(-1, 1, 5), [-1, -0.3, 0.2, 0.7, 1])
    for network, verdict in ((tone, "pass"), (curve, "fail")):
        run, writer = chain(tmp_path, network, tone_curve=tone)
        run({"image": films[0]})
        assert writer.verdicts == {verdict: 1}
    run({"image": films[0]})
    record = json.loads((tmp_path / "out" / "a.certificate.json").read_text())
    assert record["declared_curve"]["source_levels"] == pytest.approx([0, 0.25, 0.5, 0.75, 1])


def test_errors_name_the_file_and_the_order(tmp_path, films):
    run, _ = chain(tmp_path, lambda image: image[:, 1:])
    with pytest.raises(RuntimeError) as raised:
        run({"image": films[0]})
    cause = raised.value.__cause__
    assert isinstance(cause, ImageFileError)
    assert str(films[0]) in str(cause)
    assert "cannot be certified" in str(cause)
    with pytest.raises(InputError, match="put CertifyHarmonizedd before"):
        CertificateWriter("pred", tmp_path)({"pred": MetaTensor(torch.zeros(1, 4, 4))})
    with pytest.raises(InputError, match="expected one of none"):
        CertificateWriter("pred", tmp_path, panels="some")
    with pytest.raises(InputError, match="one key"):
        CertifyHarmonizedd(["a", "b"], "G0")
    with pytest.raises(InputError, match="G7"):
        CertifyHarmonizedd("pred", "G7")


@pytest.mark.parametrize(
    ("bits", "grey_range", "levels"),
    [
        (8, (0, 255), 256),
        (12, (0, 4095), 4096),
        (16, (-32768, 32767), 65536),
        (16, (-1024, 1024), 2049),  # a window of HU
        (12, (-1024, 3071), 4096),
        (8, (0, 2550), 256),  # slope 10
        (64, (0.0, 1.0), 65536),  # floating point
        (32, (0.0, 731.5), 65536),
    ],
)
def test_stored_levels(bits, grey_range, levels):
    assert stored_levels({"bits_stored": bits, "grey_range": grey_range}) == levels
