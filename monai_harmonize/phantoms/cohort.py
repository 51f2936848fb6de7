"""Which patients each site examines, and which renderings serve as paired truth."""

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from monai_harmonize.data.errors import InputError
from monai_harmonize.phantoms.anatomy import FINDINGS, Finding
from monai_harmonize.phantoms.sites import SITES

DEFAULT_COUNTS: Mapping[str, int] = {"train": 64, "validation": 16, "test": 32}
TRUTH = "truth"


@dataclass(frozen=True)
class Cohort:
    """How many patients each site examines, and how ill they are.

    Attributes:
        counts: patients per site for each split.
        severity: how far their disease has gone, see `anatomy.worsened`.
        sites: names of the sites.
        shared: part of each site's patients of training and validation whom all other sites examined, too.
    """

    counts: Mapping[str, int]
    severity: float
    sites: Sequence[str]
    shared: float = 0.0


# A classifier learns nothing of the subtle findings from so few patients.
COHORTS: Mapping[str, Cohort] = {
    "subtle": Cohort(DEFAULT_COUNTS, 1.0, tuple(SITES)),
    "tuberculosis": Cohort({"train": 128, "validation": 32, "test": 64}, 3.0, ("site_a", "site_b")),
    "paired": Cohort({"train": 32, "validation": 8, "test": 32}, 1.0, ("site_a", "site_b"), shared=1.0),
    "partly_paired": Cohort(DEFAULT_COUNTS, 1.0, ("site_a", "site_b"), shared=0.25),
    "everywhere": Cohort({"train": 24, "validation": 6, "test": 16}, 1.0, tuple(SITES), shared=1.0),
}


@dataclass(frozen=True)
class Examination:
    """One radiograph to make.

    Attributes:
        anatomy: identifier of the anatomy, the same for all renderings of it.
        site: site that renders.
        split: "train", "validation", "test" or "truth".
        seed: seed of the anatomy.
        finding: kind of the finding.
    """

    anatomy: str
    site: str
    split: str
    seed: int
    finding: Finding

    @property
    def stem(self) -> str:
        """Path of its files without suffix, relative to the dataset's folder."""
        return f"{self.split}/{self.site}/{self.anatomy}"

    @property
    def patient(self) -> str:
        """The patient's name and identifier."""
        return f"PHANTOM-{self.anatomy}"

    def row(self, suffix: str) -> dict[str, str | int]:
        """Row of the manifest; paths are relative to it."""
        ill = self.finding != "none"
        return {
            "file": f"{self.stem}{suffix}",
            "site": self.site,
            "label": int(ill),
            "patient": self.patient,
            "split": self.split,
            "mask": f"{self.stem}_mask.png" if ill else "",
            "lung_mask": f"{self.stem}_lungs.png",
            "polarity": "normal",
            "anatomy": self.anatomy,
            "finding": self.finding,
        }


def counts_of_splits(anatomies_per_site: Mapping[str, int]) -> dict[str, int]:
    """Patients per site for every split, 0 where none are asked for."""
    return {split: anatomies_per_site.get(split, 0) for split in {**DEFAULT_COUNTS, **anatomies_per_site}}


def check_cohort(sites: Sequence[str], counts: Mapping[str, int], seed: int, known_sites: Collection[str]) -> None:
    """Refuse sites, counts or a seed of which no dataset can be made.

    Args:
        sites: names of the sites.
        counts: patients per site for each split.
        seed: seed of the whole dataset.
        known_sites: names that there are.

    Raises:
        InputError: unknown or repeated sites, unknown splits, no patient at all, or a negative seed.
    """
    if unknown := [name for name in sites if name not in known_sites]:
        raise InputError(f"unknown sites {unknown}; choose among {sorted(known_sites)}")
    if not sites or len(set(sites)) < len(sites):
        raise InputError(f"sites must name at least one site, and none twice, got {list(sites)}")
    if unknown := [name for name in counts if name not in DEFAULT_COUNTS]:
        raise InputError(f"anatomies_per_site has unknown splits {unknown}; choose among {list(DEFAULT_COUNTS)}")
    if min(counts.values(), default=0) < 0 or not any(counts.values()):
        raise InputError(f"anatomies_per_site must ask for at least one patient, got {dict(counts)}")
    if seed < 0:
        raise InputError(f"seed must be at least 0, got {seed}")


def _findings(count: int, rng: np.random.Generator) -> list[Finding]:
    """Half without finding, the other half evenly over the kinds, in random order."""
    kinds: list[Finding] = ["none"] * ((count + 1) // 2)
    kinds += [FINDINGS[1 + index % (len(FINDINGS) - 1)] for index in range(count // 2)]
    return [kinds[index] for index in rng.permutation(count)]


def plan_cohort(
    sites: Sequence[str], counts: Mapping[str, int], seed: int, paired: bool, shared: float = 0.0
) -> list[list[Examination]]:
    """All radiographs of a dataset, one list per patient, so that each anatomy is projected once.

    Sites have different patients in every split, so that training data are unpaired, but for those who are `shared`:
    they are rendered at every other site, too, under the same split. With `paired`, so are the test patients of each
    site, under the split "truth". The patients of a site's split depend on nothing but its name, their number and the
    seed.

    Args:
        sites: names of the sites.
        counts: patients per site for each split.
        seed: seed of the whole dataset.
        paired: whether to add the truth.
        shared: part of each site's patients of training and validation whom all other sites examined, too.
    """
    patients = []
    for home in sites:
        for split, count in counts.items():
            stream = np.random.SeedSequence([seed, zlib.crc32(home.encode()), zlib.crc32(split.encode())])
            seeds = [int(child.generate_state(1)[0]) for child in stream.spawn(count)]
            for number, finding in enumerate(_findings(count, np.random.default_rng(stream))):
                anatomy = f"{home}-{split}-{number:04d}"
                others = [site for site in sites if site != home]
                if split == "test":
                    elsewhere = [(site, TRUTH) for site in others if paired]
                else:
                    elsewhere = [(site, split) for site in others if number < round(shared * count)]
                places = [(home, split), *elsewhere]
                patients.append([Examination(anatomy, site, role, seeds[number], finding) for site, role in places])
    return patients
