"""The header of a derived image, attribute by attribute."""

from datetime import datetime

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

from monai_harmonize import __version__
from monai_harmonize.data.dicom_derivation import (
    derived_instance_uid,
    derived_series_uid,
    derived_uid,
    is_harmonized,
    mark_as_derived,
)
from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.writer_contract import Maker

CT, CR, SC = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.7"
DIGEST = "0123456789abcdef"
CREATED = datetime(2026, 1, 2, 3, 4, 5, 600)


def derive(dataset, bundle="cyclegan_cxr 0.1.0", weights_digest=""):
    mark_as_derived(dataset, "film.dcm", Maker(bundle, weights_digest, CREATED))
    return dataset


@pytest.fixture
def film(tmp_path, make_dicom, ramp):
    def make(**header):
        return dcmread(make_dicom(tmp_path / "film.dcm", ramp, **header))

    return make


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "", "RT"]}, ["DERIVED", "PRIMARY", "", "RT"]),
        ({"ImageType": ["ORIGINAL", "SECONDARY"]}, ["DERIVED", "SECONDARY", ""]),
        ({}, ["DERIVED", "PRIMARY", ""]),
        ({"SOPClassUID": CR, "ImageType": ["ORIGINAL", "PRIMARY"]}, ["DERIVED", "SECONDARY"]),
        ({"SOPClassUID": CR, "ImageType": "ORIGINAL"}, ["DERIVED", "SECONDARY"]),
        ({"SOPClassUID": SC, "ImageType": ["DERIVED", "PRIMARY"]}, ["DERIVED", "SECONDARY"]),
        (
            {"SOPClassUID": CT, "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]},
            ["DERIVED", "SECONDARY", "AXIAL"],
        ),
    ],
)
def test_image_type_follows_the_class(film, header, expected):
    assert list(derive(film(**header)).ImageType) == expected


def test_uids_are_new_and_follow_from_source_and_bundle(film):
    first, again, other = derive(film()), derive(film()), derive(film(), "cyclegan_cxr 0.2.0")
    assert first.SOPInstanceUID == again.SOPInstanceUID
    assert first.SeriesInstanceUID == again.SeriesInstanceUID
    uids = {dataset[key].value for dataset in (first, other) for key in ("SOPInstanceUID", "SeriesInstanceUID")}
    assert len(uids | {"1.2.3.4.1", "1.2.3.3"}) == 6
    assert first.StudyInstanceUID == "1.2.3.2"


def test_other_weights_make_another_object(film):
    objects = [derive(film(), weights_digest=digest) for digest in ("", DIGEST, DIGEST[:-1] + "0")]
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID"):
        assert len({dataset[keyword].value for dataset in objects}) == 3
    assert derive(film(), weights_digest=DIGEST).SOPInstanceUID == objects[1].SOPInstanceUID


@pytest.mark.parametrize("digest", ["models/model.pt", "0123456789a", "0123456789ABCDEF", "g" * 16])
def test_what_is_no_digest_is_not_written(film, digest):
    with pytest.raises(InputError, match="12 to 64 hexadecimal digits"):
        derive(film(), weights_digest=digest)


def test_images_of_a_series_stay_together(film):
    one, two = derive(film(SOPInstanceUID="1.2.3.4.7")), derive(film(SOPInstanceUID="1.2.3.4.8"))
    assert one.SeriesInstanceUID == two.SeriesInstanceUID
    assert one.SOPInstanceUID != two.SOPInstanceUID


def test_images_without_a_series_do_not_become_one(film):
    anonymous = [derive(film(SeriesInstanceUID="", SOPInstanceUID=f"1.2.3.4.{n}")) for n in (7, 8)]
    assert anonymous[0].SeriesInstanceUID != anonymous[1].SeriesInstanceUID
    assert anonymous[0].SeriesInstanceUID != anonymous[0].SOPInstanceUID


def test_identity_falls_back_to_the_file_meta_information(film):
    dataset = film()
    dataset.SOPClassUID = dataset.SOPInstanceUID = ""
    derive(dataset)
    assert dataset.SOPClassUID == "1.2.840.10008.5.1.4.1.1.1.1"
    assert dataset.SourceImageSequence[0].ReferencedSOPInstanceUID == "1.2.3.4.1"


def test_no_class_at_all_is_an_error(film):
    dataset = film(SOPClassUID="")
    del dataset.file_meta.MediaStorageSOPClassUID
    with pytest.raises(ImageFileError, match=r"film.dcm: SOPClassUID \(0008,0016\) is missing"):
        derive(dataset)


def test_series_is_named_and_numbered(film):
    dataset = derive(film(SeriesDescription="CHEST PA", SeriesNumber=3))
    assert dataset.SeriesDescription == "CHEST PA [harmonized cyclegan_cxr 0.1.0]"
    assert dataset.SeriesNumber == 1003
    assert derive(film()).SeriesNumber == 1000


@pytest.mark.parametrize("bundle", ["", "b" * 200, "with\\backslash"])
def test_texts_fit_their_value_representations(film, bundle):
    dataset = derive(film(SeriesDescription="S" * 64, DerivationDescription="D" * 1024), bundle)
    assert len(dataset.SeriesDescription) <= 64
    assert "harmonized" in dataset.SeriesDescription
    assert len(dataset.DerivationDescription) <= 1024
    assert "\\" not in dataset.SeriesDescription


def test_derivation_keeps_the_history(film):
    dataset = derive(film(DerivationDescription="lossy 10:1"))
    assert dataset.DerivationDescription == (
        f"lossy 10:1; Grey levels harmonized by monai-harmonize {__version__} cyclegan_cxr 0.1.0; "
        "size and geometry kept."
    )
    assert "Hounsfield" in derive(film(Modality="CT")).DerivationDescription


def test_derivation_code_is_private_and_follows_the_history(film):
    compressed = Dataset()
    compressed.CodeValue, compressed.CodingSchemeDesignator, compressed.CodeMeaning = "113040", "DCM", "Lossy"
    codes = derive(film(DerivationCodeSequence=Sequence([compressed]))).DerivationCodeSequence
    assert [code.CodeValue for code in codes] == ["113040", "HARMONIZATION"]
    assert codes[1].CodingSchemeDesignator.startswith("99")
    assert len(codes[1].CodingSchemeDesignator) <= 16
    assert codes[1].CodeMeaning == "Grey level harmonization"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"PhotometricInterpretation": "MONOCHROME1"}, "INVERSE"),
        ({"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "IDENTITY"}, "INVERSE"),
        ({"PresentationLUTShape": "INVERSE"}, "IDENTITY"),
        ({"SOPClassUID": CR, "PhotometricInterpretation": "MONOCHROME1"}, None),
        ({"SOPClassUID": CR, "PresentationLUTShape": "INVERSE"}, "IDENTITY"),
    ],
)
def test_presentation_lut_shape_agrees_with_the_polarity(film, header, expected):
    assert derive(film(**header)).get("PresentationLUTShape") == expected


def test_source_image_comes_before_older_sources(film):
    older = Dataset()
    older.ReferencedSOPInstanceUID = "1.2.3.9"
    sources = derive(film(SourceImageSequence=Sequence([older]))).SourceImageSequence
    assert [item.ReferencedSOPInstanceUID for item in sources] == ["1.2.3.4.1", "1.2.3.9"]
    purpose = sources[0].PurposeOfReferenceCodeSequence[0]
    assert (purpose.CodeValue, purpose.CodingSchemeDesignator) == ("121322", "DCM")
    assert sources[0].SpatialLocationsPreserved == "YES"


def test_software_joins_the_equipment(film):
    previous = Dataset()
    previous.Manufacturer = "earlier"
    header = {"Manufacturer": "maker", "ContributingEquipmentSequence": Sequence([previous])}
    dataset = derive(film(**header), weights_digest=DIGEST)
    assert dataset.Manufacturer == "maker"
    assert [item.Manufacturer for item in dataset.ContributingEquipmentSequence] == [
        "earlier",
        "monai-harmonize",
    ]
    ours = dataset.ContributingEquipmentSequence[1]
    assert ours.ManufacturerModelName == "cyclegan_cxr 0.1.0"
    assert list(ours.SoftwareVersions) == [__version__, f"weights SHA-256 {DIGEST}"]
    assert f"cyclegan_cxr 0.1.0 weights SHA-256 {DIGEST}" in ours.ContributionDescription
    assert ours.ContributionDateTime == "20260102030405.000600"
    assert DIGEST in dataset.DerivationDescription
    assert ours.PurposeOfReferenceCodeSequence[0].CodeValue == "109102"


def test_dates_of_the_new_content(film):
    dataset = derive(film(ContentDate="19990101", AcquisitionDate="19990101"))
    assert (dataset.ContentDate, dataset.ContentTime) == ("20260102", "030405.000600")
    assert dataset.AcquisitionDate == "19990101"


def test_stale_attributes_go_and_all_others_stay(film):
    icon = Sequence([Dataset()])
    kept = {"RescaleSlope": 5, "PixelPaddingValue": 9, "BurnedInAnnotation": "NO", "LossyImageCompressionRatio": 10}
    dataset = film(
        SmallestImagePixelValue=0,
        LargestImagePixelValue=11,
        RealWorldValueMappingSequence=icon,
        IconImageSequence=icon,
        LossyImageCompression="01",
        **kept,
    )
    before = set(dataset.dir())
    derive(dataset)
    assert before - set(dataset.dir()) == {
        "SmallestImagePixelValue",
        "LargestImagePixelValue",
        "RealWorldValueMappingSequence",
        "IconImageSequence",
    }
    assert {keyword: dataset[keyword].value for keyword in kept} == kept
    assert dataset.LossyImageCompression == "01"
    assert dataset.PatientName == "SECRET^PATIENT"


@pytest.mark.parametrize(("syntax", "lossy"), [(JPEGBaseline8Bit, "01"), (ExplicitVRLittleEndian, None)])
def test_lossy_source_stays_marked_lossy(film, syntax, lossy):
    dataset = film()
    dataset.file_meta.TransferSyntaxUID = syntax
    assert derive(dataset).get("LossyImageCompression") == lossy


def test_uids_can_be_foretold_and_a_variant_changes_them(film):
    plain, turned = Maker("method 1.0", DIGEST, CREATED), Maker("method 1.0", DIGEST, CREATED, variant="turned")
    made = {}
    for maker in (plain, turned):
        source = film()
        series, instance = source.SeriesInstanceUID, source.SOPInstanceUID
        mark_as_derived(source, "film.dcm", maker)
        assert source.SeriesInstanceUID == derived_series_uid(maker, series)
        assert source.SOPInstanceUID == derived_instance_uid(maker, instance)
        made[maker.variant] = source.SeriesInstanceUID
    assert made[""] != made["turned"]
    # What was made before there were variants keeps its identity.
    assert made[""] == derived_uid("series", "method 1.0", DIGEST, series)


def test_a_backslash_in_a_bundle_changes_no_foretold_uid(film):
    source = film()
    series = source.SeriesInstanceUID
    maker = Maker("odd\\name 1.0")
    mark_as_derived(source, "film.dcm", maker)
    assert source.SeriesInstanceUID == derived_series_uid(maker, series)


def test_what_this_software_made_is_known(film):
    source = film()
    assert not is_harmonized(source)
    other = Dataset()
    other.Manufacturer = "ACME"
    source.ContributingEquipmentSequence = Sequence([other])
    assert not is_harmonized(source)
    assert is_harmonized(derive(source))
