"""Labels of two classes and of more."""

import pytest

from monai_harmonize.data import InputError, records_with_labels


def rows(*labels: object, column: str = "label") -> list[dict]:
    return [
        {"image": f"{place}.png", **({} if label is None else {column: label})} for place, label in enumerate(labels)
    ]


def test_images_without_a_label_are_left_out_and_told(caplog) -> None:
    with caplog.at_level("INFO"):
        chosen = records_with_labels(rows(1, None, 0))
    assert [(record["image"], record["label"]) for record in chosen] == [("0.png", 1), ("2.png", 0)]
    assert "1 of 3 images have no label and are left out" in caplog.text


def test_another_column_becomes_the_label() -> None:
    assert [record["label"] for record in records_with_labels(rows(0, 1, column="ill"), "ill")] == [0, 1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ((1, 1), "2 of 2 labelled images have label 1; expected both classes"),
        ((0, None), "0 of 1 labelled images have label 1"),
        ((), "0 of 0 labelled images"),
        ((0, 1, "nodule", 2), "the column label of the manifest holds 'nodule', 2; expected 0 and 1"),
    ],
)
def test_errors(labels, message: str) -> None:
    with pytest.raises(InputError, match=message):
        records_with_labels(rows(*labels))


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        ((0, 1, 3), 4, "none of 3 labelled images has label 2; expected every class, 0 to 3. Choose another site"),
        ((0, 1, 3), 3, "the column label of the manifest holds 3; expected 0 to 2"),
        ((0, 1, -1, 0.5, 2), 3, "holds -1, 0.5; expected 0 to 2"),
        ((0, 1), 1, "classes is 1; expected 2 or more"),
    ],
)
def test_errors_of_more_classes(labels, classes: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        records_with_labels(rows(*labels), classes=classes)


def test_more_than_two_classes() -> None:
    assert [record["label"] for record in records_with_labels(rows(2, 0, None, 1), classes=3)] == [2, 0, 1]


def test_the_site_and_split_with_one_class_are_named() -> None:
    records = [{**row, "site": "theirs", "split": split} for row, split in zip(rows(1, 1, None), "aab", strict=True)]
    with pytest.raises(InputError, match=r"both classes, 0 and 1 \(site theirs, split a and b\)"):
        records_with_labels(records)
