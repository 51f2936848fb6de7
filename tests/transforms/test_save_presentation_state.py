"""Presentation states by configuration."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from monai.bundle import ConfigParser

from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.networks import SiteHarmonizer, ToneCurveGenerator
from monai_harmonize.networks.site_tone_curve import SiteToneCurve
from monai_harmonize.transforms import LoadRadiographd, SavePresentationState, SavePresentationStated
from monai_harmonize.transforms.save_presentation_state import SavePresentationStateD, SavePresentationStateDict


@pytest.fixture(scope="module")
def film(chest_data):
    return next(Path(chest_data).rglob("*.dcm"))


def entries(path):
    item = pydicom.dcmread(path).SoftcopyVOILUTSequence[0].VOILUTSequence[0]
    return np.frombuffer(item.LUTData, "<u2")


def test_a_bundle_writes_it_by_configuration(tmp_path, film):
    before = film.read_bytes()
    parser = ConfigParser(
        {
            "network": {"_target_": "monai_harmonize.networks.site_tone_curve.SiteToneCurve", "num_knots": 3},
            "save": {
                "_target_": "monai_harmonize.transforms.SavePresentationStated",
                "keys": "image",
                "curve": "@network",
                "output_dir": str(tmp_path / "out"),
                "data_root": str(film.parents[1]),
                "bundle": "test 1",
                "weights_digest": "$'0123456789abcdef'",
            },
        }
    )
    save, curve = parser.get_parsed_content("save"), parser.get_parsed_content("network")
    curve.set_knots([-1, 0, 1], [-1, 0.5, 1])  # as weights are loaded after the configuration is built
    item = LoadRadiographd("image")({"image": str(film)})
    saved = save(item)["image"]
    path = tmp_path / "out" / film.parent.name / f"{film.stem}.pr.dcm"
    assert saved.meta["presentation_state"] == str(path)
    assert torch.equal(saved, item["image"])
    values = entries(path)
    middle = 0.75 if pydicom.dcmread(film).PhotometricInterpretation == "MONOCHROME2" else 0.25
    assert values[len(values) // 2] / 65535 == pytest.approx(middle, abs=0.01)
    assert "0123456789abcdef" in pydicom.dcmread(path).ContributingEquipmentSequence[-1].SoftwareVersions[-1]
    assert film.read_bytes() == before


@pytest.mark.parametrize("curve", [SiteHarmonizer(spectral_filter=True), ToneCurveGenerator(spatial_dims=2)])
def test_a_filter_or_a_curve_per_image_is_refused(tmp_path, curve):
    with pytest.raises(InputError, match="one increasing curve for all images"):
        SavePresentationState(curve, tmp_path)
    SavePresentationState(SiteHarmonizer(), tmp_path)


def test_the_curve_runs_on_its_own_device():
    class Elsewhere(SiteToneCurve):
        def forward(self, image):
            assert image.device.type == "meta"
            return torch.linspace(-1, 1, len(image))

    save = SavePresentationState(Elsewhere(num_knots=2).to("meta"), "out")
    assert save.on_device(torch.zeros(5)).tolist() == [-1, -0.5, 0, 0.5, 1]


def test_keys_and_names(tmp_path, film):
    save = SavePresentationStated(["image", "absent"], lambda x: x, tmp_path, allow_missing_keys=True)
    assert "absent" not in save(LoadRadiographd("image")({"image": str(film)}))
    assert (tmp_path / f"{film.stem}.pr.dcm").is_file()
    with pytest.raises(KeyError):
        SavePresentationStated("absent", lambda x: x, tmp_path)({})
    assert SavePresentationStateD is SavePresentationStateDict is SavePresentationStated


def test_two_sources_of_one_name(tmp_path, film):
    (tmp_path / "in").mkdir()
    copy = tmp_path / "in" / film.name
    copy.write_bytes(film.read_bytes())
    save = SavePresentationStated("image", lambda x: x, tmp_path / "out")
    for path, error in ((film, None), (film, None), (copy, ImageFileError)):
        item = LoadRadiographd("image")({"image": str(path)})
        if error is None:
            save(item)
        else:
            with pytest.raises(error, match="would replace that of"):
                save(item)
