"""The bundles lie beside the package, where users edit them; a wheel carries them within it."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["monai_harmonize*"]), "monai_harmonize.bundles"],
    package_dir={"monai_harmonize.bundles": "bundles"},
)
