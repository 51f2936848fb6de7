"""Inverted sites and single inverted images before harmonization."""

import pytest
import torch
from monai.data import MetaTensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.polarity import rank_thumbnail
from monai_harmonize.networks import SiteHarmonizer
from monai_harmonize.transforms import CheckPolarity, CheckPolarityd

RIGHT = torch.linspace(-1, 0.5, 40).repeat(40, 1)[None]


def harmonizer(polarity: float = 1.0) -> SiteHarmonizer:
    made = SiteHarmonizer()
    made.template.copy_(rank_thumbnail(RIGHT))
    made.polarity.fill_(polarity)
    return made


def image(inverted: bool = False) -> MetaTensor:
    return MetaTensor(-RIGHT if inverted else RIGHT.clone(), meta={"polarity_turned": False, "kept": 1})


@pytest.mark.parametrize(
    ("site", "inverted", "choice", "turned", "correlation"),
    [
        (1, False, "report", False, 1),
        (1, True, "report", False, -1),
        (1, True, "turn", True, 1),
        (1, False, "turn", False, 1),
        (-1, True, "report", True, 1),
        (-1, False, "report", True, -1),
        (-1, False, "turn", False, 1),
    ],
)
def test_sites_and_images_are_turned(site, inverted, choice, turned, correlation) -> None:
    given = image(inverted)
    checked = CheckPolarity(harmonizer(site), choice)(given)
    torch.testing.assert_close(checked.as_tensor(), -given.as_tensor() if turned else given.as_tensor())
    assert checked.meta["polarity_corrected"] is turned
    assert checked.meta["template_correlation"] == pytest.approx(correlation, abs=1e-5)
    assert (checked.meta["polarity_turned"], checked.meta["kept"]) == (False, 1)
    assert "template_correlation" not in given.meta


def test_dictionary_version_and_wrong_choice() -> None:
    item = CheckPolarityd("image", harmonizer(), "turn")({"image": image(True), "other": 3})
    assert item["image"].meta["polarity_corrected"]
    assert item["other"] == 3
    with pytest.raises(InputError, match="nothing here knows the target site"):
        CheckPolarity(None, "turn")
    assert CheckPolarityd("image", None)({"image": 5}) == {"image": 5}
    with pytest.raises(InputError, match="inverted is 'flip'"):
        CheckPolarity(harmonizer(), "flip")
