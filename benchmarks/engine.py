"""The engine ray beside one process: the groups of a model given to many vectors that lie in shards on disk.

``kec bench engine [--rows 1000000] [--dim 512] [--clusters 100]``. Both read the same Parquet shards, carry knowledge into
every vector, find its nearest group and write the labels; the seconds of starting Ray are told apart.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.markdown import markdown_table
