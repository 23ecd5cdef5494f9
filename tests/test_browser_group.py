"""Two people and a third behind nginx, a base path and a login, each in a browser of their own; all of it real, on loopback."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from state.project.project import Project
from state.revisions import revisions
from state.revisions.layouts import make_layout
from tests import patience
from tests.browser import ROOT, open_browser, open_window, rest, wait_until_served
from tests.nginx import running_nginx
from tests.oidc_provider import CLIENT, CLIENT_SECRET, running_provider
from tests.page_helpers import make_photos

pytestmark = [pytest.mark.browser, pytest.mark.weights]

ANN, BERT, EVE, LIAR = (
    "Ann@example.org",
    "bert@museum.example",
    "eve@elsewhere.example",
    "carl@museum.example",
)
COOKIE_SECRET = "a secret that signs cookies, which nobody says"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Group:
    """The server, its files, and browsers in front of it."""

    def __init__(self, folder, browser, provider):
        self.folder, self.browser, self.provider = folder, browser, provider
        self.port, self.proxy_port = free_port(), free_port()
        self.home, self.log = folder / "projects", folder / "log"
        self.address = f"http://localhost:{self.proxy_port}/kec/"

    def write_files(self):
        provider = {
            "redirect_uri": f"{self.address}oauth2callback",
            "cookie_secret": COOKIE_SECRET,
            "client_id": CLIENT,
            "client_secret": CLIENT_SECRET,
            "server_metadata_url": f"{self.provider.address}/.well-known/openid-configuration",
        }
        lines = ["[auth]", *(f"{key} = {json.dumps(value)}" for key, value in provider.items())]
        (self.folder / "secrets.toml").write_text("\n".join(lines))
        (self.folder / "server.toml").write_text(
            f"images_roots = [{json.dumps(str(self.folder / 'photos'))}]\n"
            f"projects = {json.dumps(str(self.home))}\n"
            f"[login]\nsecrets = {json.dumps(str(self.folder / 'secrets.toml'))}\n"
            f'allow = ["ann@example.org", "@museum.example"]\n'
            f'[users."{BERT}"]\n'
            f"images_roots = [{json.dumps(str(self.folder / 'bert'))}]\n"
            f"projects = {json.dumps(str(self.folder / 'bert'))}\n"
        )

    def start(self):
        command = [sys.executable, "-m", "cli", "app", "--headless", "--port", str(self.port)]
        command += ["--base-url-path", "kec", "--server-config", str(self.folder / "server.toml")]
        with self.log.open("wb") as log:
            self.server = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=log, stderr=log)
        wait_until_served(f"http://127.0.0.1:{self.port}/healthz", self.server)

    def log_in(self, email):
        """A browser of a person who has chosen at the provider who they are."""
        page = open_window(self.browser, viewport={"width": 1280, "height": 900})
        page.goto(self.address)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("link", name=email).click()
        page.wait_for_url(f"{self.address}**")
        return page

    def status(self, path, page=None):
        """Of the answer to a plain request, with the cookies of a browser or without any."""
        request = urllib.request.Request(f"http://localhost:{self.proxy_port}{path}")
        if page is not None:
            cookies = [f"{one['name']}={one['value']}" for one in page.context.cookies()]
            request.add_header("Cookie", "; ".join(cookies))
        try:
            with urllib.request.urlopen(request, timeout=patience.SECONDS) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code


@pytest.fixture(scope="module")
def group(made_project, tmp_path_factory):
    folder = tmp_path_factory.mktemp("group")
    shutil.copytree(made_project, folder / "projects" / made_project.name)
    project = Project(folder / "projects" / made_project.name)
    make_layout(project, revisions.current(project), "combined", "tsne")
    make_photos(folder / "photos", per_class=2)
    (folder / "bert").mkdir()
    people = {ANN: True, BERT: True, EVE: True, LIAR: False}
    with running_provider(people) as provider, open_browser() as browser:
        group = Group(folder, browser, provider)
        group.write_files()
        group.start()
        try:
            with running_nginx(folder, group.proxy_port, group.port):
                yield group
        finally:
            group.server.kill()
            group.server.wait(timeout=patience.SECONDS)
    log = group.log.read_text()
    assert "Traceback" not in log
    assert CLIENT_SECRET not in log
    assert COOKIE_SECRET not in log
    written = [path for path in (folder / "projects").rglob("*") if path.is_file()]
    assert not any(CLIENT_SECRET.encode() in path.read_bytes() for path in written)


def thumbnails_of(group):
    project = Project(group.home / "colours")
    return f"/kec/thumb/colours/{project.images()[0].sha256}/256.jpg"


@pytest.fixture(scope="module")
def ann(group):
    page = group.log_in(ANN)
    page.get_by_text("Colours").first.wait_for()
    rest(page)
    return page


def test_who_has_not_logged_in_sees_the_login_and_no_photo(group):
    page = open_window(group.browser)
    page.goto(f"{group.address}clusters?project=colours")
    page.get_by_role("button", name="Log in").wait_for()
    assert page.get_by_text("Colours").count() == 0
    scan = Project(group.home / "colours").last_scan
    for path in (
        thumbnails_of(group),
        f"/kec/map/colours/{scan}/0.jpg",
        f"/kec/map/colours/{'0' * 32}.bin",
        "/kec/media/x.jpg",
        "/kec/component/x/y.js",
        "/kec/_stcore/upload_file/a/b",
        "/kec/anything",
    ):
        assert group.status(path) == 401, path
    assert group.status("/kec/healthz") == 200


def test_whoever_is_let_in_works_as_on_their_own_machine(group, ann):
    ann.goto(f"{group.address}clusters?project=colours")
    ann.locator("img[src*='/kec/thumb/']").first.wait_for()
    ann.wait_for_function(
        "() => [...document.querySelectorAll(\"img[src*='/thumb/']\")].some(one => one.naturalWidth > 0)"
    )
    rest(ann)
    ann.keyboard.press("/")
    ann.wait_for_function("() => document.activeElement.ariaLabel === 'Find photos'")
    ann.get_by_role("link", name="History").click()
    ann.wait_for_url(f"{group.address}history**")
    rest(ann)
    assert group.status(thumbnails_of(group), ann) == 200


def test_the_map_comes_through_the_proxy(group, ann):
    answers = {}
    ann.on("response", lambda answer: answers.update({answer.url: answer.status}))
    ann.goto(f"{group.address}map?project=colours")
    ann.locator(".map[data-painted]").wait_for()
    loaded = {
        url: status for url, status in answers.items() if url.startswith(f"{group.address}map/colours/")
    }
    assert loaded
    assert set(loaded.values()) <= {200, 307}


def test_a_second_person_has_their_own_projects_and_folders(group, ann):
    bert = group.log_in(BERT)
    bert.get_by_text("Projects").first.wait_for()
    rest(bert)
    assert bert.get_by_text("Colours").count() == 0
    assert group.status(thumbnails_of(group), bert) == 404
    assert group.status(thumbnails_of(group), ann) == 200


@pytest.mark.parametrize(
    ("email", "reason"),
    [(EVE, "is not on the list of this server"), (LIAR, "its provider has not confirmed")],
)
def test_whoever_is_not_let_in_is_told_why_and_sees_no_photo(group, email, reason):
    page = group.log_in(email)
    page.get_by_text(reason).wait_for()
    assert group.status(thumbnails_of(group), page) == 401
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="Log in").wait_for()


def test_a_forged_cookie_is_worth_nothing(group):
    page = open_window(group.browser)
    claims = {"email": ANN, "is_logged_in": True, "origin": group.address}
    cookie = {"name": "_streamlit_user", "value": json.dumps(claims).replace('"', "'"), "url": group.address}
    page.context.add_cookies([cookie])
    assert group.status(thumbnails_of(group), page) == 401


def test_in_the_end_a_signal_ends_the_server_under_windows_of_people_who_are_logged_in(group, ann):
    ann.goto(f"{group.address}clusters?project=colours")
    ann.locator("img[src*='/kec/thumb/']").first.wait_for()
    rest(ann)
    group.server.send_signal(signal.SIGTERM)
    group.server.wait(timeout=patience.SECONDS)
    assert group.status("/kec/healthz") == 502
