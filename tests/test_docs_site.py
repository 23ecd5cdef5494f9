"""The site of documentation builds without a warning, its links lead somewhere, and it tells every command and option."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest

import cli
from tests.doc_pointers import ROOT

mkdocs = pytest.importorskip("mkdocs.commands.build", reason="requirements-dev.txt brings MkDocs")
PICTURES_BYTES = 1_000_000


class Links(HTMLParser):
    """Where a page leads to, and the places in it that can be led to."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.ids |= {known[name] for name in ("id", "name") if known.get(name)}
        self.targets += [known[name] for name in ("href", "src") if known.get(name)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    from mkdocs.config import load_config

    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True)
        config.plugins.on_startup(command="build", dirty=False)
        mkdocs.build(config)
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {
        path: Links(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
        if path.name != "404.html"
    }


def test_links_lead_to_files_and_places_of_the_site(site, pages):
    lost = []
    for path, links in pages.items():
        for target in links.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc or target.startswith("data:"):
                continue
            led = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            led = led / "index.html" if led.is_dir() else led
            is_place = not parts.fragment or led not in pages or unquote(parts.fragment) in pages[led].ids
            if not (led.is_file() and is_place):
                lost.append(f"{path.relative_to(site)}: {target}")
    assert len(pages) > 20
    assert not lost


def test_pages_ask_no_other_server_for_anything(pages):
    """But for the code that draws diagrams, which the theme fetches where a page has one."""
    for path in pages:
        text = path.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe)[^>]+src=\"(https?://[^\"]+)", text)
        loaded += re.findall(
            r"<link[^>]+rel=\"(?:stylesheet|preconnect)\"[^>]+href=\"(https?://[^\"]+)", text
        )
        assert not loaded, path


def test_every_command_and_option_is_in_the_reference(site):
    text = (site / "reference/cli.html").read_text(encoding="utf-8")
    (actions,) = cli.make_parser()._subparsers._group_actions
    for name, parser in actions.choices.items():
        assert f'id="kec-{name}"' in text
        for action in parser._actions:
            assert all(f"<code>{option}</code>" in text for option in action.option_strings), action


def test_the_python_reference_has_what_notebooks_use(site):
    import kec_core as kec

    text = (site / "reference/python.html").read_text(encoding="utf-8")
    for module, name in kec._HOMES.values():
        assert f'id="{module}.{name}"' in text
    assert "Raises:" in text


def test_pictures_are_small_and_all_used(pages):
    pictures = [path for path in (ROOT / "docs").rglob("*") if path.suffix in (".png", ".jpg", ".webp")]
    assert sum(path.stat().st_size for path in pictures) < PICTURES_BYTES
    used = {target.rpartition("/")[2] for links in pages.values() for target in links.targets}
    assert {path.name for path in pictures} <= used
