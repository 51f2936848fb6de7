"""A row of a traversal varies one code and nothing else."""

import pytest
import torch

from monai_harmonize.data import CodeTraversal, InputError, LatentCode, LatentCodes

LAYOUT = LatentCode(3, [2, 4], continuous=2)


def test_rows_vary_one_code_through_its_values() -> None:
    traversal = CodeTraversal(LAYOUT, samples=2, steps=5, seed=3)
    assert [item["number"] for item in traversal] == list(range(2 * (2 + 4 + 5 + 5)))
    rows: dict[str, list[torch.Tensor]] = {}
    for item in traversal:
        assert item["code"].shape == (11, 1, 1)
        rows.setdefault(item["row"], []).append(item["code"].flatten())
    names = [
        f"{name}, sample {number}" for name in ("category 1", "category 2", "code 1", "code 2") for number in (0, 1)
    ]
    assert list(rows) == names
    places = {"category 1": range(3, 5), "category 2": range(5, 9), "code 1": range(9, 10), "code 2": range(10, 11)}
    bases = LatentCodes(LAYOUT, 2, seed=3)
    for row, codes in rows.items():
        name, sample = row.split(", sample ")
        varied = list(places[name])
        others = [place for place in range(11) if place not in varied]
        base = bases[int(sample)]["code"].flatten()
        assert all(torch.equal(code[others], base[others]) for code in codes)
        found = torch.stack(codes)[:, varied]
        expected = torch.eye(len(varied)) if "category" in name else torch.linspace(-1, 1, 5)[:, None]
        torch.testing.assert_close(found, expected)


def test_volumes_have_codes_with_three_axes() -> None:
    assert CodeTraversal(LAYOUT, spatial_dims=3)[0]["code"].shape == (11, 1, 1, 1)


@pytest.mark.parametrize(
    ("code", "options", "told"),
    [
        (LatentCode(3), {}, "nothing but noise"),
        (LAYOUT, {"steps": 1}, "steps is 1; expected 2 or more"),
        (LAYOUT, {"samples": 0}, "samples is 0"),
    ],
)
def test_errors(code: LatentCode, options: dict, told: str) -> None:
    with pytest.raises(InputError, match=told):
        CodeTraversal(code, **options)
