"""The numeric tests under other processors' arithmetic: ``python -m tests.portable [NAME ...]`` (``--list`` names them).

Libraries choose their kernels by the processor; each setting makes them choose as on another one, so that sums are
rounded otherwise. A result that hangs on the last bits then fails here rather than on somebody's machine. Settings
that need instructions this processor lacks are skipped and said.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AVX2 = frozenset({"avx2", "fma"})
AVX512 = frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl"})
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
OWN_BLAS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Where these are set already, somebody chose them for this machine; they belong together and are left alone."""
NUMERIC = re.compile(r"^(?:import|from) (?:numpy|torch)\b", re.MULTILINE)
QUICK = ("clustering", "encode_files", "grounding", "tree", "warm_start", "mapping", "bursts")
"""Of the files test_core_*.py, those that most hang on the last bits, for a check of a minute."""
LEFT_OUT = "not browser and not server and not kill"
"""Markers of tests that are about processes, not numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Environment variables that change the arithmetic, and the processor flags they need."""

    name: str
    variables: Mapping[str, str]
    needs: frozenset[str] = frozenset()

    def refusal(self, flags: frozenset[str], environment: Mapping[str, str]) -> str:
        """Why this setting cannot be tried here; "" when it can."""
        missing = sorted(self.needs - flags)
        if missing:
            return f"this processor has no {', '.join(missing)}"
        chosen = [name for name in OWN_BLAS if name in environment]
        if chosen and "OPENBLAS_CORETYPE" in self.variables:
            return f"{' and '.join(chosen)} is set for this machine already"
        return ""


def _threads(count: int) -> dict[str, str]:
    return dict.fromkeys(THREADS, str(count))


SETTINGS = (
    Setting(name="one-thread", variables=_threads(1)),
    Setting(name="two-threads", variables=_threads(2)),
    Setting(name="aten-default", variables={"ATEN_CPU_CAPABILITY": "default", **_threads(1)}),
    Setting(name="onednn-avx2", variables={"ONEDNN_MAX_CPU_ISA": "AVX2", **_threads(1)}, needs=AVX2),
    Setting(
        name="onednn-avx512", variables={"ONEDNN_MAX_CPU_ISA": "AVX512_CORE", **_threads(1)}, needs=AVX512
    ),
    Setting(name="openblas-haswell", variables={"OPENBLAS_CORETYPE": "Haswell", **_threads(1)}, needs=AVX2),
    Setting(
        name="openblas-skylakex", variables={"OPENBLAS_CORETYPE": "SkylakeX", **_threads(1)}, needs=AVX512
    ),
)


def processor_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """The instruction sets of this processor as Linux lists them; none where that cannot be read."""
    try:
        text = cpuinfo.read_text(encoding="utf-8")
    except OSError:
        return frozenset()
    found = re.search(r"^flags\s*:(.*)$", text, re.MULTILINE)
    return frozenset(found[1].split()) if found else frozenset()


def numeric_files(folder: Path = ROOT / "tests") -> list[Path]:
    """The test files that compute with numpy or torch themselves."""
    files = sorted(folder.glob("test_*.py"))
    return [file for file in files if NUMERIC.search(file.read_text(encoding="utf-8"))]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the numeric tests under each setting in turn; 1 if any failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.portable", description=__doc__)
    parser.add_argument("names", nargs="*", help="settings to try; all when none is named")
    parser.add_argument("--list", action="store_true", help="name the settings and end")
    parser.add_argument("--today", action="store_true", help="one setting, another one each day")
    parser.add_argument("--quick", action="store_true", help="only the files that most hang on the last bits")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.names) - {setting.name for setting in SETTINGS}
    if unknown:
        parser.error(f"unknown setting {sorted(unknown)[0]}; known: {', '.join(s.name for s in SETTINGS)}")
    if chosen.list:
        print("\n".join(setting.name for setting in SETTINGS))
        return 0
    usable = [
        s for s in SETTINGS if s.name in (chosen.names or [each.name for each in SETTINGS]) and _said(s)
    ]
    if chosen.today and usable:
        usable = [usable[time.localtime().tm_yday % len(usable)]]
    files = [ROOT / f"tests/test_core_{name}.py" for name in QUICK] if chosen.quick else numeric_files()
    return max([_run(setting, files) for setting in usable], default=0)


def _said(setting: Setting) -> bool:
    """Whether a setting can be tried here; says so when not."""
    refusal = setting.refusal(processor_flags(), os.environ)
    if refusal:
        print(f"{setting.name}: skipped, {refusal}", flush=True)
    return not refusal


def _run(setting: Setting, files: Sequence[Path]) -> int:
    """The tests of these files in a process of their own; 1 if any failed."""
    seed = str(random.SystemRandom().randrange(2**32))
    variables = {**setting.variables, "PYTHONHASHSEED": seed}
    print(f"{setting.name}: {' '.join(f'{k}={v}' for k, v in variables.items())}", flush=True)
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "-m", LEFT_OUT]
    began = time.monotonic()
    done = subprocess.run(
        [*command, *map(str, files)], cwd=ROOT, env={**os.environ, **variables}, check=False
    )
    print(
        f"{setting.name}: {'failed' if done.returncode else 'passed'} in {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return int(done.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
