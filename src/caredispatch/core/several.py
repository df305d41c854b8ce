"""One text that answers several questions (E18): "yes 1 3", "sí a todo", "no to all". Precision first: a text that is
not wholly that is none."""

from __future__ import annotations

import re
from typing import Literal

from caredispatch.core.reply_text import plain

_YES = r"(?P<yes>y|yes|yep|yeah|ok|okay|si|s)"
_NO = r"(?P<no>n|no|nope)"
_NUMBERS = r"(?P<numbers>\d{1,2}(?:(?: |, ?| and | y | & ?)\d{1,2})+)"
_ALL = r"(?P<all>all|all of them|both|both of them|todo|todos|todas|ambos|ambas|los dos|las dos)"
_TO = r"(?:to |a |for |para )?"
_FORMS = tuple(
    re.compile(form)
    for word in (_YES, _NO)
    for form in (f"{word} {_TO}(?:{_NUMBERS}|{_ALL})", f"(?:{_NUMBERS}|{_ALL}) {word}")
)


def read_several(text: str) -> tuple[Literal["yes", "no"], tuple[int, ...]] | None:
    """The answer and the questions it is to, in their order; no numbers: to all of them. None: no such text."""
    said = re.sub(r"[ :\-]+", " ", plain(text).strip(" .!:")).strip()
    for form in _FORMS:
        found = form.fullmatch(said)
        if found:
            groups = found.groupdict()
            numbers = tuple(dict.fromkeys(int(n) for n in re.findall(r"\d+", groups["numbers"] or "")))
            return ("yes" if groups.get("yes") else "no"), numbers
    return None
