"""A web page as a person sees it: its words and its forms.

Parsing only, with the standard library's parser; who presses which button is decided in `people.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

LINK = re.compile(r"https?://[^\s<>\"']+")
UNSEEN = frozenset({"script", "style", "title", "template"})


@dataclass(slots=True)
class Form:
    """A form: where it goes, what it carries along, and which buttons it offers as (name, value)."""

    action: str = ""
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class Page(HTMLParser):
    """Collects visible words and forms of one page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self._words: list[str] = []
        self._unseen = 0
        self._inside = False
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        """The visible words, with single spaces."""
        return " ".join(" ".join(self._words).split())

    def form_with(self, name: str, value: str) -> Form | None:
        """The first form that has this button."""
        return next((form for form in self.forms if (name, value) in form.buttons), None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open forms, note their inputs and buttons."""
        given = {name: value or "" for name, value in attrs}
        if tag in UNSEEN:
            self._unseen += 1
        elif tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
            self._inside = True
        elif self._inside and tag in {"input", "button"} and given.get("name"):
            self._control(tag, given)

    def _control(self, tag: str, given: dict[str, str]) -> None:
        kind = given.get("type", "submit" if tag == "button" else "text")
        pair = (given["name"], given.get("value", ""))
        if kind == "submit":
            self.forms[-1].buttons.append(pair)
        elif kind == "hidden":
            self.forms[-1].fields[pair[0]] = pair[1]

    def handle_endtag(self, tag: str) -> None:
        """Close forms and unseen parts."""
        if tag in UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag == "form":
            self._inside = False

    def handle_data(self, data: str) -> None:
        """Keep what can be seen."""
        if not self._unseen:
            self._words.append(data)


def first_link(body: str) -> str | None:
    """The first web link in a text, without the punctuation that follows it."""
    found = LINK.search(body)
    return found.group().rstrip(".,;:!?)") if found else None
