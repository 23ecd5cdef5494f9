"""docs/options.md lists every option as it is; ``python -m tests.test_docs_options`` writes it anew."""

from pathlib import Path

from kec_core.config import OPTIONS, RunConfig
from kec_core.config.option import value_of
from kec_core.stages.table import STEP_OF

PAGE = Path(__file__).parents[1] / "docs" / "options.md"
HEAD = """# Options

Every option of a run, in the order of `kec_core/config`, where each is written once: its default, the stages whose
results it decides, how the Build page and `kec run` ask for it. From: P the paper, C the authors' code, R
reconstructed, M measured, KEC+ this program.

| option | default | from | step | on the Build page | `kec run` |
| --- | --- | --- | --- | --- | --- |
"""


def rows():
    for option in OPTIONS.values():
        stages = (*option.stages, *option.through)
        steps = ", ".join(dict.fromkeys(STEP_OF[stage].name for stage in stages))
        default = value_of(RunConfig(), option.name)
        shown = option.automatic or "none" if default is None else str(default) or "none"
        flag = f"`{option.flag}`" if option.flag else ""
        yield f"| `{option.name}` | {shown} | {option.mark} | {steps} | {option.label} | {flag} |"


def page():
    return HEAD + "\n".join(rows()) + "\n"


def test_the_page_lists_every_option_as_it_is():
    assert PAGE.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
