"""Components of a configuration by their class."""

from monai.bundle import ConfigParser

from monai_harmonize.engines.components import components


def test_components_are_found_at_any_depth_by_ids_that_a_parser_knows() -> None:
    config = {
        "saver": {"_target_": "a.b.Save", "inner": {"_target_": "Save", "mark": 1}},
        "steps": {"_target_": "Compose", "transforms": [{"_target_": "Load"}, {"_target_": "x.Save", "mark": 2}]},
        "named": "Save",
    }
    found = list(components(config, "Save"))
    assert found == ["saver", "saver#inner", "steps#transforms#1"]
    parser = ConfigParser(config)
    assert [parser[place].get("mark") for place in found] == [None, 1, 2]
    assert list(components(config, "Load", "Compose")) == ["steps", "steps#transforms#0"]
    assert list(components(config, "ave")) == []
