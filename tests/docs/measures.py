"""The definitions of measures in docs/metrics.md, in the code's own words. `python -m tests.docs.measures` writes
them."""

from __future__ import annotations

from caredispatch.core.measures import MEASURES
from tests.docs.pages import DOCS, page, section

PAGE = DOCS / "metrics.md"
HEADING = "## Definitions"
_BETTER = {"higher": "more is better", "lower": "less is better", "": "neither is better"}


def text() -> str:
    """The table of all measures."""
    lines = ["| measure | in | what is counted |", "| --- | --- | --- |"]
    for m in MEASURES.values():
        beside = f" Told with {', '.join(f'`{code}`' for code in m.beside)}." if m.beside else ""
        lines.append(f"| `{m.code}` {m.name} | {m.unit}; {_BETTER[m.better]} | {m.says}{beside} |")
    return "\n".join(lines)


def written() -> str:
    """What stands there now."""
    return section(page("docs/metrics.md"), HEADING).strip()


if __name__ == "__main__":
    PAGE.write_text(page("docs/metrics.md").replace(written(), text()), "utf-8")
