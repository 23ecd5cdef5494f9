"""The file of the server's login: who is let in, what each may read, and one sentence for whatever is wrong in it."""

import json

import pytest

from kec_core.errors import InputError
from state.server import access
from state.server.access import check_secrets, load_server_config, providers
from state.server.allowed_hosts import LoginRequired
from tests.login_files import AUTH, write_login


@pytest.mark.parametrize(
    ("email", "admitted"),
    [
        ("ann@example.org", True),
        ("ANN@Example.ORG", True),
        ("bert@museum.example", True),
        ("carl@sub.museum.example", False),
        ("ann@example.org.evil.example", False),
        ("xann@example.org", False),
        ("bert@notmuseum.example", False),
        ("@museum.example@evil.example", False),
        ("museum.example", False),
        ("@museum.example", False),
        ("", False),
        ("@", False),
    ],
)
def test_addresses_and_whole_domains_are_let_in_and_nothing_like_them(tmp_path, email, admitted):
    config, _ = write_login(tmp_path, allow='["Ann@example.org", "@Museum.example"]')
    assert load_server_config(config).admits(email) is admitted


def test_each_person_has_their_own_folders_or_those_of_everybody(tmp_path):
    for name in ("all", "own", "projects"):
        (tmp_path / name).mkdir()
    quoted = {name: json.dumps(str(tmp_path / name)) for name in ("all", "own", "projects")}
    people = f'[users."Ann@example.org"]\nimages_roots = [{quoted["own"]}]'
    config, _ = write_login(
        tmp_path,
        allow='["@example.org"]',
        more=f"images_roots = [{quoted['all']}]\nprojects = {quoted['projects']}\n{people}",
    )
    loaded = load_server_config(config)
    ann, bert = loaded.workspace("ANN@example.org"), loaded.workspace("bert@example.org")
    assert ann.images_roots == (tmp_path / "own",)
    assert bert.images_roots == (tmp_path / "all",)
    assert ann.home == bert.home == tmp_path / "projects"
    with pytest.raises(InputError, match="lies outside the folders"):
        bert.check_allowed(tmp_path / "own")


def test_folders_that_the_file_does_not_name_are_those_of_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv(access.IMAGES_ROOTS_VARIABLE, str(tmp_path))
    config, _ = write_login(tmp_path)
    assert load_server_config(config).workspace("ann@example.org").images_roots == (tmp_path,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "login: Field required"),
        ("[login]\nallow = []\nsecrets = 's'", "login.allow: "),
        ("[login]\nallow = ['ann']\nsecrets = 's'", "login.allow.0: should be an e-mail address"),
        ("[login]\nallow = ['*']\nsecrets = 's'", "login.allow.0: should be an e-mail address"),
        ("[login]\nallow = ['a b@x.org']\nsecrets = 's'", "login.allow.0: should be an e-mail address"),
        ("[login]\nallow = 'ann@x.org'\nsecrets = 's'", "login.allow: "),
        ("[login]\nallow = ['ann@x.org']", "login.secrets: Field required"),
        ("[login]\nallow = ['ann@x.org']\nsecrets = 's'\nclient_secret = 'q'", "login.client_secret: Extra"),
        ("image_roots = ['/']\n[login]\nallow = ['ann@x.org']\nsecrets = 's'", "image_roots: Extra"),
        ("images_roots = ['photos']\n[login]\nallow = ['ann@x.org']\nsecrets = 's'", "an existing folder"),
        ("images_roots = ['/no/such']\n[login]\nallow = ['ann@x.org']\nsecrets = 's'", "an existing folder"),
        ("[login]\nallow = ['ann@x.org']\nsecrets = 's'\n[users.'b@y.org']", "b@y.org, whom login.allow"),
        ("[login", "is no valid TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_one_sentence(tmp_path, text, said):
    path = tmp_path / "server.toml"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        load_server_config(path)
    assert said in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_of_projects_that_the_server_may_not_write_to_is_said_when_it_starts(tmp_path, monkeypatch):
    config, _ = write_login(tmp_path, more=f"projects = {json.dumps(str(tmp_path))}")
    load_server_config(config)
    monkeypatch.setattr(access.os, "access", lambda *_: False)
    with pytest.raises(InputError, match=r"projects: should be a folder that the server's user may write to"):
        load_server_config(config)


def test_files_that_cannot_be_read_are_said(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_server_config(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        load_server_config(tmp_path / "bytes.toml")


@pytest.mark.parametrize("missing", sorted(AUTH))
def test_a_secret_that_is_missing_is_said_by_its_name(tmp_path, missing):
    keys = {name: value for name, value in AUTH.items() if name != missing}
    config, _ = write_login(tmp_path, auth=keys)
    with pytest.raises(InputError, match=f"lacks auth.{missing};"):
        check_secrets(load_server_config(config), "/kec")


@pytest.mark.parametrize(
    ("change", "base_path", "said"),
    [
        ({"cookie_secret": "hush"}, "/kec", "at least 32"),
        ({}, "", "ending in /oauth2callback, but its path is /kec/oauth2callback"),
        ({"redirect_uri": "photos.example.org/kec/oauth2callback"}, "/kec", "as browsers see it"),
        ({"redirect_uri": "https://photos.example.org"}, "/kec", "its path is empty"),
    ],
)
def test_a_secret_that_does_not_fit_is_said_without_saying_it(tmp_path, change, base_path, said):
    config, _ = write_login(tmp_path, auth={**AUTH, **change})
    with pytest.raises(InputError) as refused:
        check_secrets(load_server_config(config), base_path)
    assert said in str(refused.value)
    assert "hush" not in str(refused.value)


def test_the_login_names_the_host_of_the_app_and_its_providers(tmp_path):
    config, _ = write_login(tmp_path)
    assert check_secrets(load_server_config(config), "/kec") == "photos.example.org"
    assert providers(AUTH) == ()
    section = {name: AUTH[name] for name in ("client_id", "client_secret", "server_metadata_url")}
    assert providers({"cookie_secret": "x", "google": section, "keycloak": section}) == ("google", "keycloak")


@pytest.mark.parametrize(
    ("kind", "path", "status"),
    [
        ("http", "/kec/", None),
        ("http", "/kec/clusters", None),
        ("http", "/kec/static/js/index.js", None),
        ("http", "/healthz", None),
        ("http", "/kec/oauth2callback", None),
        ("websocket", "/kec/_stcore/stream", None),
        ("http", "/kec/thumb/a/b/256.jpg", 401),
        ("http", "/kec/_stcore/upload_file/a/b", 401),
        ("http", "/kec/_stcore/metrics", 401),
        ("http", "/kec/media/a.jpg", 401),
        ("http", "/kec/clusters/thumb", 401),
        ("http", "//static/x", 401),
        ("websocket", "/kec/clusters", 1008),
        ("websocket", "/kec/static/x", 1008),
    ],
)
@pytest.mark.parametrize("visitor", ["", "ann@example.org"])
def test_only_the_program_and_the_login_are_public(kind, path, status, visitor):
    answers = []

    async def behind(scope, receive, send):
        await send({"passed": True})

    async def send(message):
        answers.append(message)

    layer = LoginRequired(behind, "/kec", ("", "clusters"), lambda _: visitor)
    scope = {"type": kind, "path": path, "headers": []}
    coroutine = layer(scope, None, send)
    with pytest.raises(StopIteration):
        coroutine.send(None)
    if visitor or status is None:
        assert answers == [{"passed": True}]
    else:
        assert answers[0].get("status", answers[0].get("code")) == status
