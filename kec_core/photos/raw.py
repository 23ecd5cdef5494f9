"""Camera raw (DNG, CR2, NEF, ARW, ...) through LibRaw, an optional library."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from PIL import Image

from kec_core.errors import InputError
from kec_core.photos.formats import FORMAT_OF_SUFFIX, RAW, RAW_FILE, suffix_of

if TYPE_CHECKING:
    from rawpy import RawPy

LIBRARY: Final = "rawpy"
PREVIEW_SIDE: Final = 512
"""A JPEG of the camera in the file is shown instead of the raw data if its shorter side has so many pixels."""
_TURNS: Final = {
    3: Image.Transpose.ROTATE_180,
    5: Image.Transpose.ROTATE_90,
    6: Image.Transpose.ROTATE_270,
}
"""What makes each of LibRaw's flips upright; 5 and 6 exchange width and height."""
_NEW_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 254, 330, 50706


def check_library() -> None:
    """Raise unless the library is installed.

    Raises:
        InputError: what to install, as a sentence without the file's name.
    """
    if find_spec(LIBRARY) is None:
        raise InputError(
            f"it is a camera raw file; install {LIBRARY} to read it (pip install -r requirements-raw.txt), or save it as JPEG first"
        )


def picture(
    file: BinaryIO, min_side: int | None, most_pixels: int
) -> tuple[Image.Image, tuple[int, int], str]:
    """The upright picture of a raw file: the camera's own JPEG where it is large enough, else developed.

    Args:
        file: read from its beginning.
        min_side: pixels; see ``decoding.open_image``.
        most_pixels: larger photos are refused.

    Returns:
        The image, maybe smaller than the photo; the photo's (width, height), upright; a note for people.

    Raises:
        InputError: the library is not installed.
        ValueError: the content is damaged, or of a camera that the library does not know.
        Image.DecompressionBombError: it holds more than ``most_pixels`` pixels.
    """
    check_library()
    with _opened(file) as opened:
        sizes = opened.sizes
        size = (sizes.height, sizes.width) if sizes.flip in (5, 6) else (sizes.width, sizes.height)
        if size[0] * size[1] > most_pixels:
            raise Image.DecompressionBombError
        preview = _preview(opened)
        if preview is not None and min(preview.size) >= PREVIEW_SIDE:
            turn = _TURNS.get(sizes.flip)
            return preview if turn is None else preview.transpose(turn), size, "its camera's JPEG is shown"
        halved = min_side is not None and min(size) >= 2 * min_side
        values = opened.postprocess(use_camera_wb=True, half_size=halved)
        return Image.fromarray(values), size, "its raw data are developed with the camera's white balance"


def embedded_jpeg(file: BinaryIO) -> bytes:
    """The JPEG that the camera put into a raw file; b"" when there is none.

    Raises:
        InputError: the library is not installed.
        ValueError: the content is damaged.
    """
    check_library()
    with _opened(file) as opened:
        return _jpeg(opened)


@contextmanager
def _opened(file: BinaryIO) -> Iterator[RawPy]:
    import rawpy

    file.seek(0)
    try:
        with rawpy.imread(file) as opened:
            yield opened
    except rawpy.LibRawError as error:
        said = error.args[0] if error.args else "LibRaw cannot read it"
        raise ValueError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from error


def _preview(opened: RawPy) -> Image.Image | None:
    content = _jpeg(opened)
    if not content:
        return None
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            return image.convert("RGB")
    except OSError:  # a damaged preview: the raw data may be whole
        return None


def _jpeg(opened: RawPy) -> bytes:
    import rawpy

    try:
        thumbnail = opened.extract_thumb()
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
        return b""
    return bytes(thumbnail.data) if thumbnail.format == rawpy.ThumbFormat.JPEG else b""


def is_raw(file: BinaryIO, known: str | None, foreign: str | None, name: str) -> bool:
    """Whether a file is camera raw.

    Most raw files are TIFFs whose first page is often a tiny preview; DNG has a tag of its own.
    ``known`` and ``foreign`` are what ``formats`` says of the first bytes.
    """
    is_named = FORMAT_OF_SUFFIX.get(suffix_of(name)) == RAW
    if known != "TIFF":
        return foreign == RAW_FILE or (is_named and (known or foreign) is None)
    tags = _first_page(file)
    return is_named or _DNG_VERSION in tags or (tags.get(_NEW_SUBFILE_TYPE) == 1 and _SUB_IFDS in tags)


def _first_page(file: BinaryIO) -> Mapping[int, Any]:
    """The tags of a TIFF's first page; none when they cannot be read, which decoding tells better."""
    tags = Image.Exif()
    try:
        file.seek(0)
        tags.load_from_fp(file)
        return dict(tags)
    except Exception:
        return {}
