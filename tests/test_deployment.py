"""The files that put the app on a server stay true: container, compose, service and proxy name what is there."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import tomllib

import pytest
import yaml

import cli
from kec_core.errors import InputError
from kec_core.store import cache_dir
from state.server import serve
from state.server.access import check_secrets, load_server_config
from tests import nginx
from tests.doc_pointers import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SERVICES = sorted(COMPOSE["services"])


def instructions(name):
    return re.findall(rf"^{name} (.+)$", DOCKERFILE, re.M)


def parsed(words):
    """The arguments of a command line that begins with ``kec`` or goes on after it."""
    return cli.make_parser().parse_args(words)


def container_paths():
    """Folders that the image makes."""
    return {path for run in instructions("RUN") for path in re.findall(r"(?<=\s)/\w+(?=\s)", run)}


def test_the_image_has_a_python_that_the_program_runs_on():
    version = re.fullmatch(r"python:(\d+)\.(\d+)-slim-\w+", instructions("FROM")[0])
    least = re.fullmatch(r">=(\d+)\.(\d+)", PYPROJECT["project"]["requires-python"])
    assert tuple(map(int, version.groups())) >= tuple(map(int, least.groups()))


def test_the_image_copies_files_that_are_there_and_not_ignored():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    for line in instructions("COPY"):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert source not in ignored
    needed = {
        "app.py",
        "cli.py",
        "pyproject.toml",
        "README.md",
        *PYPROJECT["tool"]["setuptools"]["py-modules"],
    }
    needed |= {name.rstrip("*") for name in PYPROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert not needed & set(ignored)
    assert ".streamlit" not in ignored
    assert ".streamlit/secrets.toml" in ignored


def test_commands_of_the_image_are_those_of_the_program():
    assert instructions("ENTRYPOINT") == ['["kec"]']
    assert PYPROJECT["project"]["scripts"]["kec"] == "cli:main"
    arguments = parsed(json.loads(instructions("CMD")[0]))
    assert str(arguments.projects) in container_paths()
    assert {str(root) for root in arguments.images_root} <= container_paths()
    for line in instructions("RUN"):
        for words in (shlex.split(part) for part in line.split("&&")):
            if words[0] == "kec":
                assert callable(parsed(words[1:]).command)


def test_the_port_of_the_image_is_that_of_the_program():
    (exposed,) = instructions("EXPOSE")
    assert parsed(["app"]).port == int(exposed)
    assert f"127.0.0.1:{exposed}/healthz" in instructions("HEALTHCHECK")[0]


def test_the_cache_of_the_image_is_where_the_program_looks(monkeypatch):
    environment = dict(word.split("=") for word in instructions("ENV")[0].split())
    assert environment["KEC_CACHE_DIR"] in json.loads(instructions("VOLUME")[0])
    made = []
    monkeypatch.setenv("KEC_CACHE_DIR", environment["KEC_CACHE_DIR"])
    monkeypatch.setattr("pathlib.Path.mkdir", lambda path, **_: made.append(str(path)))
    assert str(cache_dir()) == environment["KEC_CACHE_DIR"]
    assert made == [environment["KEC_CACHE_DIR"]]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_starts_the_app_at_the_port_it_publishes_on_loopback_only(name):
    service = COMPOSE["services"][name]
    arguments = parsed(shlex.split(service["command"]))
    assert arguments.headless
    host, outside, inside = service["ports"][0].split(":")
    assert host == "127.0.0.1"
    assert int(outside) == int(inside) == arguments.port
    assert arguments.host == "0.0.0.0"
    assert service["init"] is True


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_keeps_is_mounted_where_the_app_looks(name):
    service = COMPOSE["services"][name]
    mounts = dict(one.removesuffix(":ro").rsplit(":", 1)[::-1] for one in service["volumes"])
    arguments = parsed(shlex.split(service["command"]))
    assert {str(arguments.projects), *map(str, arguments.images_root)} <= set(mounts)
    assert set(json.loads(instructions("VOLUME")[0])) <= set(mounts)
    named = {source for source in mounts.values() if source.isidentifier()}
    assert named == set(COMPOSE["volumes"])
    assert any(one.startswith("${PHOTOS:?") and one.endswith(":/photos:ro") for one in service["volumes"])


def test_the_service_for_gpus_takes_pytorch_for_gpus():
    gpu = COMPOSE["services"]["studio-gpu"]
    assert set(gpu["build"]["args"]) <= {one.split("=")[0] for one in instructions("ARG")}
    assert gpu["profiles"] == ["gpu"]
    (device,) = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}


def test_the_command_of_the_service_would_start(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr("os.execve", lambda *call: started.append(call))
    monkeypatch.setattr(serve, "check_port", lambda *_: None)
    monkeypatch.setattr(serve, "is_folder", lambda _: True)
    monkeypatch.chdir(tmp_path)
    arguments = parsed(shlex.split(COMPOSE["services"]["studio"]["command"]))
    arguments.command(arguments)
    assert started


def unit():
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str
    parser.read_string(nginx.block("ini"))
    return parser


def test_the_unit_starts_the_app_and_gives_it_time_to_end():
    service = unit()["Service"]
    words = shlex.split(service["ExecStart"])
    assert words[0].endswith("/.venv/bin/kec")
    arguments = parsed(words[1:])
    assert arguments.headless
    assert int(service["TimeoutStopSec"]) > 5
    assert unit()["Install"]["WantedBy"] == "multi-user.target"


def test_unit_proxy_and_secrets_of_the_guide_agree(tmp_path):
    arguments = parsed(shlex.split(unit()["Service"]["ExecStart"])[1:])
    proxy = nginx.block("nginx")
    assert f"location /{arguments.base_url_path}/ {{" in proxy
    assert f"proxy_pass http://127.0.0.1:{arguments.port};" in proxy
    guide = nginx.GUIDE.read_text(encoding="utf-8")
    server, secrets = re.findall(r"```toml\n(.*?)```", guide, re.S)
    for folder in ("/srv/photos", "/srv/kec/projects", "/srv/ann", "/srv/kec/ann"):
        (tmp_path / folder[1:]).mkdir(parents=True)
    (tmp_path / "secrets.toml").write_text(secrets)
    text = server.replace('"/srv', f'"{tmp_path}/srv').replace("/etc/kec/secrets", f"{tmp_path}/secrets")
    (tmp_path / "server.toml").write_text(text)
    config = load_server_config(tmp_path / "server.toml")
    with pytest.raises(InputError, match="cookie_secret should have at least"):  # it is words, not a secret
        check_secrets(config, f"/{arguments.base_url_path}")
    (tmp_path / "secrets.toml").write_text(secrets.replace("at least 32 random characters", "x" * 32))
    host = check_secrets(config, f"/{arguments.base_url_path}")
    assert f"server_name {host};" in proxy


def test_commands_of_the_guide_parse():
    guide = nginx.GUIDE.read_text(encoding="utf-8")
    commands = re.findall(r"^kec (.+)$", guide, re.M)
    assert len(commands) >= 3
    for line in commands:
        assert callable(parsed(shlex.split(line, comments=True)).command)
