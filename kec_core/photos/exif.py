"""What a camera wrote into a photo (EXIF): when and where it was taken, and by which camera. Never written here."""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Final, SupportsFloat

from PIL import ExifTags, Image, UnidentifiedImageError

from kec_core.photos import raw

logger = logging.getLogger(__name__)

_DATES: Final = (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized)
"""The moment of exposure, else of digitisation; EXIF's plain DateTime is that of the last change and is not used."""
_FORMAT: Final = "%Y:%m:%d %H:%M:%S"
_FIRST_PHOTO: Final = datetime(1826, 1, 1)
_AHEAD: Final = timedelta(days=3653)
"""A clock that is some years ahead still tells which photos belong together; what is said of the year 2999 is no date."""
_LONGEST: Final = 80
_TIFF_HEADS: Final = (b"II*\0", b"MM\0*")
_EARTH_KM: Final = 6371.0


@dataclass(frozen=True, slots=True)
class Place:
    """A place on the earth.

    Attributes:
        latitude: degrees in [-90, 90], north is positive.
        longitude: degrees in [-180, 180], east is positive.
    """

    latitude: float
    longitude: float

    def distance(self, other: Place) -> float:
        """Kilometres along the surface."""
        a, b = math.radians(self.latitude), math.radians(other.latitude)
        across = math.radians(other.longitude - self.longitude)
        chord = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(across / 2) ** 2
        return 2 * _EARTH_KM * math.asin(min(1.0, math.sqrt(chord)))


@dataclass(frozen=True, slots=True)
class Exif:
    """What is known of how a photo was taken.

    Attributes:
        taken: local time of the camera, ISO 8601 to the second (``2026-05-01T10:30:00``), or "".
        camera: maker and model in one line, or "".
        place: where the camera was, or None.
    """

    taken: str = ""
    camera: str = ""
    place: Place | None = None

    def __bool__(self) -> bool:
        return self != Exif()


def read_exif(file: BinaryIO) -> Exif:
    """What the file tells; an empty ``Exif`` when it tells nothing or what it says cannot be read.

    Args:
        file: an open photo, read from its beginning; where it is left is undefined.
    """
    try:
        tags = _tags(file)
        inner = tags.get_ifd(ExifTags.IFD.Exif)
        place = _place(tags.get_ifd(ExifTags.IFD.GPSInfo))
        maker, model = (_line(tags.get(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model))
    except Exception:  # EXIF is written by anything; a broken one must not cost the photo
        logger.debug("a photo's EXIF cannot be read", exc_info=True)
        return Exif()
    dates = (_date(inner.get(tag)) for tag in _DATES)
    return Exif(
        taken=next((date for date in dates if date), ""),
        camera=_camera(maker, model),
        place=place,
    )


def _tags(file: BinaryIO) -> Image.Exif:
    """From the photo; of camera raw from the TIFF it is, else from the JPEG in it."""
    file.seek(0)
    try:
        return Image.open(file).getexif()  # not closed: of a TIFF the tags are read from it later
    except UnidentifiedImageError:
        file.seek(0)
        tags = Image.Exif()
        if file.read(4) in _TIFF_HEADS:
            file.seek(0)
            tags.load_from_fp(file)
            return tags
        return Image.open(io.BytesIO(raw.embedded_jpeg(file))).getexif()


def _line(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    plain = "".join(letter if letter.isprintable() else " " for letter in text.replace("\0", " "))
    return " ".join(plain.split())[:_LONGEST]


def _date(value: object) -> str:
    try:
        taken = datetime.strptime(_line(value)[:19], _FORMAT)  # cameras know no time zone
    except ValueError:  # cameras without a clock write zeros or blanks
        return ""
    latest = datetime.now(UTC).replace(tzinfo=None) + _AHEAD
    return taken.isoformat() if _FIRST_PHOTO <= taken <= latest else ""


def _camera(maker: str, model: str) -> str:
    """Most models begin with the name of their maker, some makers add "CORPORATION" to theirs."""
    brand = maker.partition(" ")[0]
    return model if model.casefold().startswith(brand.casefold()) else f"{maker} {model}".strip()


def _place(tags: Mapping[int, Any]) -> Place | None:
    north = _degrees(
        tags.get(ExifTags.GPS.GPSLatitude), _line(tags.get(ExifTags.GPS.GPSLatitudeRef)), "NS", 90
    )
    east = _degrees(
        tags.get(ExifTags.GPS.GPSLongitude), _line(tags.get(ExifTags.GPS.GPSLongitudeRef)), "EW", 180
    )
    if north is None or east is None or (north == 0 and east == 0):  # zeros: a receiver without a signal
        return None
    return Place(north, east)


def _degrees(parts: Iterable[SupportsFloat] | None, side: str, sides: str, most: float) -> float | None:
    """Degrees, minutes and seconds as signed degrees; None when they are missing or no angle, or of another side."""
    half = side[:1].upper()
    try:
        value = math.fsum(float(part) / 60**power for power, part in enumerate(parts or ()))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if parts is None or not 0 <= value <= most or half not in sides:
        return None
    return round(-value if half == sides[1] else value, 6)
