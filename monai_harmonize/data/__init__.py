"""Data: manifests, readers and writers of radiographs, unpaired and tolerant data sets."""

from monai_harmonize.data.classification_records import records_with_labels as records_with_labels
from monai_harmonize.data.code_traversal import CodeTraversal as CodeTraversal
from monai_harmonize.data.errors import ImageFileError as ImageFileError
from monai_harmonize.data.errors import InputError as InputError
from monai_harmonize.data.formats import find_images as find_images
from monai_harmonize.data.formats import find_volumes as find_volumes
from monai_harmonize.data.latent_code import LatentCode as LatentCode
from monai_harmonize.data.latent_codes import LatentCodes as LatentCodes
from monai_harmonize.data.manifest import Manifest as Manifest
from monai_harmonize.data.manifest import ManifestError as ManifestError
from monai_harmonize.data.manifest import load_manifest as load_manifest
from monai_harmonize.data.patient_split import hold_out_validation as hold_out_validation
from monai_harmonize.data.patient_split import split_by_patient as split_by_patient
from monai_harmonize.data.positional import PositionalDataset as PositionalDataset
from monai_harmonize.data.same_patient import SamePatientDataset as SamePatientDataset
from monai_harmonize.data.segmentation_records import masks_of_all_or_none as masks_of_all_or_none
from monai_harmonize.data.segmentation_records import records_with_masks as records_with_masks
from monai_harmonize.data.segmentation_records import with_images_of as with_images_of
from monai_harmonize.data.tolerant import TolerantDataset as TolerantDataset
from monai_harmonize.data.tolerant import collate_readable as collate_readable
from monai_harmonize.data.unpaired import PositionSampler as PositionSampler
from monai_harmonize.data.unpaired import UnpairedDataset as UnpairedDataset
from monai_harmonize.data.vertebra_numbers import vertebra_numbers as vertebra_numbers
