"""XMP sidecars: the cluster as a keyword below "Clusters", as Lightroom, digiKam and darktable read it.

A sidecar is written below the folder of the export, never beside the photo, and none for a photo that has one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeTree

from kec_core.disk import short
from kec_core.errors import InputError
from kec_core.paths import is_file
from state.transfer.formats.base import Content, Labels, Source, one_label
from state.transfer.formats.names import safe_path

if TYPE_CHECKING:
    from state.transfer.export_files import WriteFile

FOLDER = "xmp"
_SUFFIX = ".xmp"
ROOT = "Clusters"
"""The keyword above all of ours."""
_SPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
}
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BETWEEN = {"lr:hierarchicalSubject": "|", "digiKam:TagsList": "/"}
"""What parts the levels of a keyword; a name that holds it gets a look-alike there."""
_ALIKE = {"|": "\u00a6", "/": "\u2215"}
_MARK = "KEC+ Studio"


def write(content: Content) -> Mapping[str, WriteFile]:
    """``xmp/PATH.xmp`` for every photo, as digiKam and darktable name sidecars."""
    root = content.project.images_root
    places = [f"{FOLDER}/{_beside(file)}{_SUFFIX}" for file in content.table.files]
    lying = cache(_sidecars)
    return {
        place: partial(_write, root, lying, row.file, row.label)
        for place, row in zip(places, content.rows(), strict=True)
    }


def _beside(file: str) -> str:
    """The path of a photo, which programs look for its sidecar by; a safe one where it could lead elsewhere."""
    is_text = file.encode("utf-8", "replace").decode("utf-8") == file and "\0" not in file
    return file if is_text and {"", ".", ".."}.isdisjoint(file.split("/")) else safe_path(file)


def _write(
    root: Path | None, lying: Callable[[Path], Mapping[str, str]], file: str, name: str, path: Path
) -> None:
    if root is not None and (beside := _sidecar(root / file, lying)):
        raise InputError(
            f"the photo {file!r} has a sidecar {beside!r} already, which is left as it is; move it away to get "
            "this one"
        )
    path.write_bytes(sidecar(name, file))


def _sidecar(photo: Path, lying: Callable[[Path], Mapping[str, str]]) -> str | None:
    """The sidecar that lies beside a photo, by either way of naming it, in any case."""
    beside = lying(photo.parent)
    names = (f"{photo.name}{_SUFFIX}", photo.with_suffix(_SUFFIX).name)
    return next((beside[name.casefold()] for name in names if name.casefold() in beside), None)


def _sidecars(folder: Path) -> dict[str, str]:
    """Names of the sidecars in a folder by their name without case, also of links that lead nowhere."""
    with suppress(OSError):  # a folder that is gone or closed shows none
        return {path.name.casefold(): path.name for path in folder.iterdir() if _is_sidecar(path.name)}
    return {}


def _is_sidecar(name: str) -> bool:
    return name.casefold().endswith(_SUFFIX)


def sidecar(name: str, file: str) -> bytes:
    """An XMP packet with one keyword.

    Args:
        name: of the cluster.
        file: path of the photo below the photo folder.
    """
    clean = _NOT_IN_XML.sub("", name).strip() or "unnamed"
    for prefix, uri in _SPACES.items():
        ElementTree.register_namespace(prefix, uri)
    meta = ElementTree.Element(_tag("x:xmpmeta"))
    about = ElementTree.SubElement(
        ElementTree.SubElement(meta, _tag("rdf:RDF")), _tag("rdf:Description"), {_tag("rdf:about"): ""}
    )
    about.set(_tag("xmp:CreatorTool"), _MARK)
    about.set(_tag("dc:source"), _NOT_IN_XML.sub("", file))
    _bag(about, "dc:subject", "rdf:Bag", clean)
    _bag(about, "lr:hierarchicalSubject", "rdf:Bag", _keyword("lr:hierarchicalSubject", clean))
    _bag(about, "digiKam:TagsList", "rdf:Seq", _keyword("digiKam:TagsList", clean))
    ElementTree.indent(meta)
    packet: bytes = ElementTree.tostring(meta, encoding="utf-8", xml_declaration=True)
    return packet


def _keyword(field: str, name: str) -> str:
    between = _BETWEEN[field]
    return f"{ROOT}{between}{name.replace(between, _ALIKE[between])}"


def _bag(parent: ElementTree.Element, field: str, kind: str, value: str) -> None:
    bag = ElementTree.SubElement(ElementTree.SubElement(parent, _tag(field)), _tag(kind))
    ElementTree.SubElement(bag, _tag("rdf:li")).text = value


def _tag(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_SPACES[prefix]}}}{local}"


def read(source: Source) -> Labels | None:
    """The keyword below "Clusters" in each sidecar of a folder; a photo without one has no label."""
    if not source.is_folder:
        return None
    paths = sorted(path for path in source.path.rglob("*") if _is_sidecar(path.name) and is_file(path))
    rows = [_row(source.path, path) for path in paths]
    return one_label(rows, f"keywords below {ROOT}") if any(labels for _, _, labels in rows) else None


def _row(folder: Path, path: Path) -> tuple[str, str, list[str]]:
    """The place of a sidecar, its photo and its keywords of ours."""
    try:
        tree = SafeTree.parse(path).getroot()
    except (ElementTree.ParseError, DefusedXmlException, OSError, ValueError) as error:
        raise InputError(
            f"{path} should be an XMP sidecar, but cannot be read ({short(error)}); move it away, no label was taken."
        ) from error
    name = path.relative_to(folder).as_posix()
    photo = _source(tree) or str(path.absolute())[: -len(_SUFFIX)]
    return f"the sidecar {name!r}", photo, _names(tree)


def _names(tree: ElementTree.Element) -> list[str]:
    """What the keywords below ``ROOT`` call the photo: as a plain keyword is written, else as it stands there."""
    plain = list(_items(tree, "dc:subject"))
    for field, between in _BETWEEN.items():
        written = {_keyword(field, name): name for name in reversed(plain)}
        start = f"{ROOT}{between}"
        if found := [word for word in _items(tree, field) if word.startswith(start)]:
            return [written.get(word, word.removeprefix(start)) for word in found]
    return []


def _source(tree: ElementTree.Element) -> str | None:
    """The photo that a sidecar of ours names; other programs write attributes as elements."""
    tag = _tag("dc:source")
    told = (one.get(tag) or one.findtext(tag) for one in tree.iter(_tag("rdf:Description")))
    return next(filter(None, told), None)


def _items(tree: ElementTree.Element, field: str) -> Iterator[str]:
    for bag in tree.iter(_tag(field)):
        yield from (item.text or "" for item in bag.iter(_tag("rdf:li")))
