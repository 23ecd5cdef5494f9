"""The ``kec`` command: run KEC on a folder of photos, look at the result, export it, open the app.

With ``--json`` one JSON object goes to stdout and everything else to stderr. Exit 0 on success, 2 on bad input
with one line that says what was expected, what came and what to do.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence

from commands import app, bench, engine, methods, new_photos, project, run, search, setup
from commands.output import readable, show
from commands.parsing import Action, Parser
from kec_core.errors import KecError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    try:
        arguments = make_parser().parse_args(argv)
        action: Action = arguments.command
        result = action(arguments)
    except KecError as error:
        print(f"kec: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("kec: stopped; finished stages are kept, run the same command again to go on.", file=sys.stderr)
        return 130
    if result is not None:
        show(json.dumps(result, ensure_ascii=False) if arguments.json else readable(result))
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Every command with its options; ``command`` of the parsed arguments is the function to call with them."""
    parser = Parser(prog="kec", description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    run.add(commands)
    new_photos.add_add(commands)
    new_photos.add_assign(commands)
    engine.add_apply(commands)
    methods.add(commands)
    project.add(commands)
    search.add(commands)
    project.add_finalise(commands)
    project.add_show(commands)
    project.add_export(commands)
    setup.add(commands)
    app.add(commands)
    bench.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
