"""When a photo was taken, as its camera wrote it into the file (EXIF)."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import BinaryIO

from PIL import ExifTags, Image

logger = logging.getLogger(__name__)

_TAGS = (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized)
"""The moment of exposure, else of digitisation; EXIF's plain DateTime is that of the last change and is not used."""
_FORMAT = "%Y:%m:%d %H:%M:%S"


def date_taken(file: BinaryIO) -> str:
    """Local time of the camera, ISO 8601 to the second (``2026-05-01T10:30:00``); "" when the file does not tell.

    Args:
        file: an open photo, read from its beginning; where it is left is undefined.
    """
    file.seek(0)
    try:
        with Image.open(file) as image:
            written = image.getexif().get_ifd(ExifTags.IFD.Exif)
    except Exception:  # EXIF is written by anything; a broken one must not cost the photo
        logger.debug("a photo's EXIF cannot be read", exc_info=True)
        return ""
    found = (_parsed(written.get(tag)) for tag in _TAGS)
    return next((date for date in found if date), "")


def _parsed(value: object) -> str:
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value or "")
    try:
        return datetime.strptime(text.strip("\0 ")[:19], _FORMAT).isoformat()  # cameras know no time zone
    except ValueError:  # cameras without a clock write zeros or blanks
        return ""
