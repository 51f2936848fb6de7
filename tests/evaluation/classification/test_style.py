"""Methods are told apart in figures, and their guarantee class is that of their certificates."""

import pandas as pd

from monai_harmonize.evaluation.classification.study import Method
from monai_harmonize.evaluation.classification.study_folder import Direction
from monai_harmonize.evaluation.classification.style import looks
from monai_harmonize.evaluation.classification.tables import stated_class


def test_twenty_methods_have_twenty_looks() -> None:
    methods = tuple(Method(f"m{number}", f"M {number}", False, "G4") for number in range(20))
    found = looks(Direction("a", "b"), methods)
    assert len({(found[method.name].colour, found[method.name].line) for method in methods}) == 20


def test_certificates_know_the_class_better_than_the_metadata() -> None:
    assert stated_class(pd.Series(["G2", "G2"]), "G0") == "G2"
    assert stated_class(pd.Series(["", ""]), "G0") == "G0"
    assert stated_class(pd.Series(["G0", "G2"]), "G4") == "G4"
