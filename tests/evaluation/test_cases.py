from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.evaluation.cases import Pairing, pair_files, pair_manifest


def pair(study: Path, harmonized: Path, **options: Any) -> Pairing:
    manifest = load_manifest(study / "manifest.csv").with_splits()
    defaults = {"source_site": "a", "target_site": "b", "root": study}
    return pair_manifest(manifest, harmonized, **{**defaults, **options})


def test_cases_carry_their_files(study: Path, harmonize: Callable[..., Path]) -> None:
    folder = harmonize(lambda raw, truth: truth)
    pairing = pair(study, folder)
    assert [case.name for case in pairing.cases] == [f"test/a/a{i}.png" for i in range(6)]
    assert pairing.missing == ()
    assert [Path(item["image"]).stem for item in pairing.targets] == [f"b{i}" for i in range(6)]
    for index, case in enumerate(pairing.cases):
        assert case.group == f"pa{index}"
        assert case.harmonized["image"] == str(folder / case.name)
        assert case.harmonized["polarity"] == case.source["polarity"]
        assert case.truth is not None
        assert case.truth["image"].endswith(f"truth/b/a{index}.png")
        assert Path(case.template["image"]).stem.startswith("tb")


def test_templates_depend_on_the_seed_only(study: Path, harmonize: Callable[..., Path]) -> None:
    folder = harmonize(lambda raw, truth: truth)
    first, again, other = (
        [case.template["image"] for case in pair(study, folder, seed=seed).cases] for seed in (0, 0, 1)
    )
    assert first == again != other


def test_missing_files_are_listed_and_do_not_move_other_templates(study: Path, harmonize: Callable[..., Path]) -> None:
    folder = harmonize(lambda raw, truth: truth)
    before = {case.name: case.template for case in pair(study, folder).cases}
    (folder / "test/a/a2.png").unlink()
    pairing = pair(study, folder)
    assert pairing.missing == ("test/a/a2.png",)
    assert {case.name: case.template for case in pairing.cases} == {
        name: template for name, template in before.items() if name != "test/a/a2.png"
    }


def test_no_harmonized_file_at_all_names_the_first_place_looked_at(study: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none of 6 source images.*nowhere.test.a.a0\.png"):
        pair(study, tmp_path / "nowhere")


def test_other_split_and_direction(study: Path, harmonize: Callable[..., Path]) -> None:
    folder = harmonize(lambda raw, truth: truth)
    with pytest.raises(ValueError, match=r"none of \d source images.*train.a"):
        pair(study, folder, split="train")
    with pytest.raises(ValueError, match="no site"):
        pair(study, folder, source_site="c")


def test_a_source_outside_the_root_goes_by_its_file_name(
    study: Path, harmonize: Callable[..., Path], tmp_path: Path
) -> None:
    folder = harmonize(lambda raw, truth: truth)
    with pytest.raises(ValueError, match="none of 6"):
        pair(study, folder, root=study / "elsewhere")
    assert len(pair(study, folder / "test" / "a", root=study / "elsewhere").cases) == 6


def test_plain_files_pair_by_stem(tmp_path: Path) -> None:
    for name in ("in/x.png", "in/y.png", "out/y.dcm", "b/z.png", "truth/y.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    sources = [tmp_path / "in/x.png", tmp_path / "in/y.png"]
    pairing = pair_files(
        sources,
        [tmp_path / "out/y.dcm"],
        [tmp_path / "b/z.png"],
        truth={sources[1]: tmp_path / "truth/y.png"},
    )
    assert pairing.missing == ("x",)
    (case,) = pairing.cases
    assert (case.name, case.harmonized["image"]) == ("y", str(tmp_path / "out/y.dcm"))
    assert case.template["image"] == str(tmp_path / "b/z.png")
    assert case.truth == {"image": str(tmp_path / "truth/y.png")}


def test_plain_files_refuse_repeated_stems_and_empty_lists(tmp_path: Path) -> None:
    twice = [tmp_path / "1/x.png", tmp_path / "2/x.png"]
    with pytest.raises(ValueError, match="several files are called 'x'"):
        pair_files(twice, [], [tmp_path / "b.png"])
    with pytest.raises(ValueError, match="several files are called 'x'"):
        pair_files(twice[:1], twice, [tmp_path / "b.png"])
    with pytest.raises(ValueError, match="at least one image"):
        pair_files(twice[:1], twice[:1], [])
