"""Reading manifests and reporting everything that is wrong with them."""

import json
import pickle
from pathlib import Path

import pandas as pd
import pytest
from monai.data import load_decathlon_datalist

from monai_harmonize.data.manifest import Manifest, ManifestError, load_manifest

GOOD = """file,site,label,patient,split,mask,polarity,finding
a/1.png,a,0,00001280,train,m/1.png,normal,none
a/2.png,a,1.0,00001281,test,m/1.png; m/2.png,inverted,"nodule, left"
b/1.png,b,tb,,,,,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a/1.png", "a/2.png", "a/3.png", "b/1.png", "m/1.png", "m/2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def write(folder: Path, text: str, name: str = "manifest.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


def problems_of(path: Path, **options: object) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        load_manifest(path, **options)
    assert str(path) in str(caught.value)
    return caught.value.problems


def test_records_are_monai_items(folder: Path) -> None:
    first, second, third = load_manifest(write(folder, GOOD)).records
    assert first == {
        "image": str(folder / "a/1.png"),
        "file": "a/1.png",
        "site": "a",
        "label": 0,
        "patient": "00001280",
        "split": "train",
        "mask": str(folder / "m/1.png"),
        "polarity": "normal",
        "finding": "none",
    }
    assert second["mask"] == [str(folder / "m/1.png"), str(folder / "m/2.png")]
    assert (second["label"], type(second["label"]), second["finding"]) == (1, int, "nodule, left")
    # Empty cells are absent, not NaN; polarity has a default.
    image = str(folder / "b/1.png")
    assert third == {"image": image, "file": "b/1.png", "site": "b", "label": "tb", "polarity": "normal"}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GOOD, "utf-8-sig"),
        (GOOD.replace("\n", "\r\n"), "utf-8"),
        (GOOD.replace("file,", "image,", 1), "utf-8"),
        (GOOD + "\n,,,,\n\n", "utf-8"),
        (",".join(["", GOOD.replace("\n", "\n0,")]).removesuffix("0,"), "utf-8"),
    ],
    ids=["byte order mark", "Windows line ends", "image alias", "blank rows", "pandas index column"],
)
def test_harmless_variants_read_the_same(folder: Path, text: str, encoding: str) -> None:
    expected = load_manifest(write(folder, GOOD)).records
    assert load_manifest(write(folder, text, "variant.csv", encoding)).records == expected


def test_what_pandas_writes_is_read(folder: Path) -> None:
    table = pd.DataFrame({"file": ["a/1.png", "a/2.png"], "site": "NA", "label": [1, None], "patient": None})
    table.to_csv(folder / "pandas.csv")
    first, second = load_manifest(folder / "pandas.csv").records
    assert first["label"] == 1
    assert first["site"] == "NA"
    assert "label" not in second
    assert "patient" not in first


def test_root_and_absolute_paths(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    text = f"file,site,lesion_mask\na/1.png,a,m/2.png\n{folder / 'b/1.png'},b,\n"
    first, second = load_manifest(write(elsewhere, text), root=folder).records
    assert first["image"] == str(folder / "a/1.png")
    assert first["lesion_mask"] == str(folder / "m/2.png")
    assert second["image"] == str(folder / "b/1.png")


def test_relative_root_gives_absolute_paths(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, GOOD)
    monkeypatch.chdir(folder)
    assert load_manifest("manifest.csv").records[0]["image"] == str(folder / "a/1.png")


def test_series_folder_counts_as_image(folder: Path) -> None:
    assert load_manifest(write(folder, "file,site\na,ct\n")).records[0]["image"] == str(folder / "a")


def test_every_problem_is_reported_with_its_row(folder: Path) -> None:
    text = """file,site,patient,split,mask,polarity
a/1.png,a,p,train,,normal
,a,q,train,,
a/2.png,,r,training,,
gone.png,a,s,test,m/gone.png,negative
./a/1.png,a,t,train,../../etc,

a/3.png,a,p,test,,,surplus
b/1.png,a,u,,,
"""
    path = write(folder, text)
    assert problems_of(path) == [
        "row 8: cells beyond the last column; quote cells that hold commas",
        "row 3: empty file",
        "row 4: empty site",
        "row 4: unknown split 'training'; allowed are 'train', 'validation', 'test', 'truth'",
        "row 5: unknown polarity 'negative'; allowed are 'normal', 'inverted'",
        f"row 5: file 'gone.png' does not exist in {folder}",
        f"row 5: mask 'm/gone.png' does not exist in {folder}",
        f"row 6: mask '../../etc' points outside {folder}; write an absolute path if that is meant",
        "row 6: file './a/1.png' is listed already in row 2",
        "one patient of site 'a' is in several splits (test: row 8; train: row 2)",
        "row 9: empty split, while other rows of site 'a' have one",
    ]


def test_long_lists_are_cut_in_the_message_only(folder: Path) -> None:
    path = write(folder, "file,site\n" + "".join(f"gone{i}.png,a\n" for i in range(45)))
    with pytest.raises(ManifestError) as caught:
        load_manifest(path)
    lines = str(caught.value).splitlines()
    assert len(caught.value.problems) == 45
    assert lines[0] == f"{path}: 45 problems"
    assert len(lines) == 22
    assert lines[-1].strip().startswith("... and 25 more")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert len(load_manifest(path, check_files=False).records) == 45


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no rows"),
        ("file,site\n", "no rows"),
        ("file;site\na/1.png;a\n", "required column 'file', 'site' missing; found 'file;site'"),
        ("file,label\na/1.png,0\n", "required column 'site' missing; found 'file', 'label'"),
        ("file,site,site\na/1.png,a,b\n", "row 1: column 'site' appears more than once"),
        ("file,image,site\na/1.png,a/1.png,a\n", "both 'file' and 'image'"),
        ('file,site\n"a/1.png,a\n', "not a readable .csv file"),
    ],
)
def test_unusable_csv(folder: Path, text: str, expected: str) -> None:
    problems = problems_of(write(folder, text))
    assert len(problems) == 1
    assert expected in problems[0]


def test_unreadable_files(folder: Path) -> None:
    latin = write(folder, "file,site\na/1.png,Köln\n", encoding="latin-1")
    assert problems_of(latin) == ["byte 19 is not UTF-8; save the manifest with the encoding UTF-8"]
    assert "No such file" in problems_of(folder / "none.csv")[0]
    assert "Is a directory" in problems_of(write_folder(folder))[0]
    assert problems_of(write(folder, GOOD, "list.txt")) == ["a manifest is a .csv or .json file, not '.txt'"]
    missing = folder / "missing"
    assert problems_of(write(folder, GOOD), root=missing) == [
        f"the folder that relative paths start from does not exist: {missing}"
    ]


def write_folder(folder: Path) -> Path:
    (folder / "folder.csv").mkdir()
    return folder / "folder.csv"


def test_patient_ids_stay_out_of_messages(folder: Path) -> None:
    path = write(folder, "file,site,patient,split\na/1.png,a,Jane Doe,train\na/2.png,a,Jane Doe,test\n")
    assert "Jane" not in "".join(problems_of(path))


def test_truth_and_other_sites_are_no_leak(folder: Path) -> None:
    text = "file,site,patient,split\na/1.png,a,p,test\nb/1.png,b,p,train\na/2.png,a,p,truth\na/3.png,c,p,truth\n"
    assert len(load_manifest(write(folder, text)).records) == 4


def decathlon(**lists: object) -> str:
    return json.dumps({"name": "two sites", "labels": {"0": "normal"}, **lists})


def test_decathlon_agrees_with_monai(folder: Path) -> None:
    training = [
        {"image": "a/1.png", "site": "a", "label": 0, "patient": 1280, "fold": 2, "note": None},
        {"image": "a/2.png", "site": "a", "label": 1.0, "mask": ["m/1.png", "m/2.png"], "note": float("nan")},
    ]
    path = write(folder, decathlon(site="b", training=training, test=["b/1.png"]), "list.json")
    first, second, third = load_manifest(path).records
    assert (first["split"], first["patient"], first["fold"]) == ("train", "1280", 2)
    assert "note" not in first
    assert "note" not in second
    assert (second["label"], type(second["label"])) == (1, int)
    assert (third["site"], third["split"]) == ("b", "test")
    for key, records in (("training", [first, second]), ("test", [third])):
        theirs = load_decathlon_datalist(path, is_segmentation=False, data_list_key=key)
        for ours, item in zip(records, theirs, strict=True):
            shared = item.keys() & {"image", "mask", "label"}
            assert {name: ours[name] for name in shared} == {name: item[name] for name in shared}


def test_json_with_byte_order_mark(folder: Path) -> None:
    text = decathlon(training=[{"image": "a/1.png", "site": "a"}])
    assert len(load_manifest(write(folder, text, "list.json", "utf-8-sig")).records) == 1


def test_long_manifest_keeps_leading_zeros(folder: Path) -> None:
    # pandas guesses types block by block in files of some hundred kilobytes.
    rows = "".join(f"{'long_folder_name/' * 4}{i}.png,a,{i:08d}\n" for i in range(20_000))
    records = load_manifest(write(folder, "file,site,patient\n" + rows), check_files=False).records
    assert all(record["patient"] == f"{i:08d}" for i, record in enumerate(records))


def test_label_image_becomes_absolute(folder: Path) -> None:
    path = write(folder, decathlon(training=[{"image": "a/1.png", "site": "a", "label": "m/1.png"}]), "list.json")
    assert load_manifest(path).records[0]["label"] == str(folder / "m/1.png")


def test_decathlon_problems(folder: Path) -> None:
    training = [
        {"image": "a/1.png"},
        ["a/2.png"],
        {"image": 5, "site": "a"},
        {"image": "a/3.png", "site": "a", "split": "test"},
    ]
    path = write(folder, decathlon(training=training, test={}), "list.json")
    assert problems_of(path) == [
        "training[1]: expected an object or a path, not list",
        "training[3]: split 'test' contradicts the list 'training'",
        "'test' is not a list",
        "training[0]: empty site",
        "training[2]: file '5' is not a path",
    ]


@pytest.mark.parametrize("text", ['["a/1.png"]', "{}", "3", '{"training": [}', '{"training": []}'])
def test_unusable_json(folder: Path, text: str) -> None:
    assert len(problems_of(write(folder, text, "list.json"))) == 1


@pytest.fixture
def manifest(folder: Path) -> Manifest:
    text = "file,site,label,split\na/1.png,a,0,train\na/2.png,a,1,test\na/3.png,a,1,train\nb/1.png,1,1,\n"
    return load_manifest(write(folder, text))


def test_select(manifest: Manifest) -> None:
    def names(**wanted: object) -> list[str]:
        return [record["file"] for record in manifest.select(**wanted)]

    assert names() == ["a/1.png", "a/2.png", "a/3.png", "b/1.png"]
    assert names(site="a", split="train") == ["a/1.png", "a/3.png"]
    assert names(site="a", split=["train", "test"], label="1") == ["a/2.png", "a/3.png"]
    assert names(site="1") == names(site=1) == names(site=[1]) == ["b/1.png"]
    assert manifest.select(split="truth", allow_empty=True) == []
    manifest.select()[0]["image"] = "changed"
    assert manifest.records[0]["image"] != "changed"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"site": "c"}, "no site 'c'; the sites are '1', 'a'"),
        ({"site": ["a", "d"], "allow_empty": True}, "no site 'd'; the sites are '1', 'a'"),
        ({"split": "val"}, "unknown split 'val'; allowed are 'train', 'validation', 'test', 'truth'"),
        ({"site": "a", "label": 7}, "no row has site 'a', label '7'"),
        (
            {"site": "1", "split": "train"},
            "site '1' without split 1; site 'a' test 1; site 'a' train 2 (with_splits",
        ),
    ],
)
def test_select_says_what_there_is(manifest: Manifest, wanted: dict[str, object], expected: str) -> None:
    with pytest.raises(ManifestError) as caught:
        manifest.select(**wanted)
    assert expected in str(caught.value)


def test_with_splits_keeps_what_the_file_says(folder: Path) -> None:
    rows = [f"a/{i}.png,a,p{i},{'train' if i < 40 else 'test'}" for i in range(60)]
    rows += [f"b/{i}.png,b,q{i}," for i in range(30)] + ["b/t.png,b,q0,truth"]
    path = write(folder, "\n".join(["file,site,patient,split", *rows]))
    loaded = load_manifest(path, check_files=False)
    completed = loaded.with_splits(seed=3)
    counts = pd.DataFrame(completed.records).value_counts(["site", "split"]).to_dict()
    assert counts == {
        ("a", "train"): 36,
        ("a", "validation"): 4,
        ("a", "test"): 20,
        ("b", "train"): 21,
        ("b", "validation"): 3,
        ("b", "test"): 6,
        ("b", "truth"): 1,
    }
    assert [record["file"] for record in completed.records] == [record["file"] for record in loaded.records]
    assert completed == loaded.with_splits(seed=3)
    assert completed != loaded.with_splits(seed=4)
    assert "split" not in loaded.records[60]


def test_with_splits_keeps_a_patient_of_two_sites_in_one_split(folder: Path) -> None:
    """Else what is learned of at one site is tested at the other."""
    rows = [f"a/{i}.png,a,p{i},{'train' if i < 15 else 'test'}" for i in range(20)]
    rows += [f"b/{i}.png,b,p{i}," for i in range(20)] + [f"c/{i}.png,c,p{i},train" for i in range(5)]
    path = write(folder, "\n".join(["file,site,patient,split", *rows]))
    table = pd.DataFrame(load_manifest(path, check_files=False).with_splits().records)
    assert (table.groupby("patient")["split"].nunique() == 1).all()
    assert set(table["split"]) == {"train", "validation", "test"}


@pytest.mark.real_data
def test_real_manifest(real_data: Path) -> None:
    manifest = load_manifest(real_data / "cxr_manifest.csv")
    assert len(manifest.records) == 860
    assert manifest.sites == ["jsrt", "nih_cxr14", "openist"]
    assert {record["polarity"] for record in manifest.select(site="jsrt")} == {"inverted"}
    assert manifest.records[0]["patient"] == "00001280"
    table = pd.DataFrame(manifest.with_splits().records)
    assert (table.groupby(["site", "patient"])["split"].nunique() == 1).all()
    assert set(table.value_counts(["site", "split"]).unstack().columns) == {"train", "validation", "test"}
    assert table.value_counts("split")["test"] == 155 + 63 + 17
