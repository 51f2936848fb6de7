"""What a client may do to the files of a store: nothing outside its folder, nothing behind a link."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monailabel.datastore.local import LocalDatastore

from monai_harmonize.data.errors import InputError

__all__ = ["GuardedStore", "refuse_unfit"]

# Bytes of a name that leave room for the suffixes of whatever lies beside it.
LONGEST = 200


def refuse_unfit(what: str, name: object) -> None:
    """Refuse what is no plain name of a file; MONAI Label joins whatever it is given to its folder.

    Raises:
        InputError: empty, hidden, too long, or with a part of a path.
    """
    fits = isinstance(name, str) and name and name[0] != "." and not set(name) & set("/\\\0")
    if not fits or len(str(name).encode()) > LONGEST:
        raise InputError(f"{what} is {str(name)[:LONGEST]!r}; expected a plain name without a path.")


class GuardedStore(LocalDatastore):
    """Checks in front of MONAI Label's stores; the images and labels of a client stay within the folder."""

    def save_label(self, image_id: str, label_filename: str, label_tag: str, label_info: Any, **options: Any) -> str:
        """Save a label.

        Raises:
            InputError: the tag, which is the name of a folder, is none.
        """
        refuse_unfit("label_tag", label_tag)
        found: str = super().save_label(image_id, label_filename, label_tag, plain_info(label_info), **options)
        return found

    def update_image_info(self, image_id: str, info: Any) -> None:
        """Note what a client tells of an image."""
        super().update_image_info(image_id, plain_info(info))

    def update_label_info(self, label_id: str, label_tag: str, info: Any) -> None:
        """Note what a client tells of a label."""
        super().update_label_info(label_id, label_tag, plain_info(info))

    def remove_label(self, label_id: str, label_tag: str) -> None:
        """Remove a label, of a link the link alone."""
        label = self._datastore.label(label_id, label_tag)
        place = Path(self._datastore.label_path(label_tag)) / self._filename(label_id, label.ext if label else "")
        if label and place.is_symlink():
            self.unlink(place)
        else:
            super().remove_label(label_id, label_tag)

    def remove_image(self, image_id: str) -> None:
        """Remove an image with its labels, of a link the link alone; a folder is missed by nobody but us."""
        image = self._datastore.objects.get(image_id)
        if image and self.place_of(image_id, image.image.ext).is_symlink():
            for tag in list(image.labels):
                self.remove_label(image_id, tag)
            self.unlink(self.place_of(image_id, image.image.ext))
        else:
            super().remove_image(image_id)
            self.refresh()

    def unlink(self, link: Path) -> None:
        """Remove a link, never what it leads to; whoever watches the folder may have forgotten it before we do."""
        link.unlink()
        self.refresh()

    def get_dataset_archive(self, limit_cases: int | None) -> str:
        """All labelled images with their labels, packed.

        Raises:
            InputError: there are none.
        """
        try:
            found: str = super().get_dataset_archive(limit_cases)
        except AssertionError as error:
            raise InputError("no image has a final label.") from error
        return found

    def place_of(self, image_id: str, suffix: str) -> Path:
        """Where an image lies, or would."""
        return Path(self._datastore.image_path(), self._filename(image_id, suffix))

    def refuse_upload(self, image_id: str, image_filename: str) -> None:
        """Refuse an image under a name that is none, of a format that is not listed, or in the place of what is there.

        Raises:
            InputError: see above.
        """
        refuse_unfit("image", image_id)
        suffixes = [pattern.removeprefix("*") for pattern in self._extensions]
        suffix = self._to_id(Path(image_filename).name)[1]
        if suffix not in suffixes:
            raise InputError(f"a file {suffix or 'without suffix'} is no image; expected {', '.join(suffixes)}.")
        if self.place_of(image_id, "").is_dir() or self.place_of(image_id, suffix).is_symlink():
            raise InputError(
                f"image {image_id!r} is a folder or a link, which no upload replaces; choose another name."
            )


def plain_info(info: object) -> dict[str, Any]:
    """What a client noted of an image or label.

    Raises:
        InputError: no JSON object.
    """
    if not isinstance(info, Mapping):
        raise InputError("params is no JSON object.")
    return dict(info)
