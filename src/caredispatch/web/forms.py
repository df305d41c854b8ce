"""What forms say, as parameters of acts: wall-clock times become instants here, names are checked against what there
is. Nothing wrong gets past: 400 says so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException

from caredispatch.core.content import instant_text
from caredispatch.core.observation import ActName

_FIELDS: Mapping[ActName, tuple[str, ...]] = {
    "assign": ("role", "staff_id", "reason"),
    "move": ("start_at", "staff_id", "location", "modality", "agreed", "reason"),
    "overbook": ("start_at", "staff_id", "location", "modality", "agreed", "reason"),
    "cancel": ("reason",),
    "resolve": ("note",),
    "snooze": ("until",),
    "hand_over": ("to",),
    "pause_case": ("case_id", "until"),
    "resume_case": ("case_id",),
}
_TIMES = ("start_at", "until")


def instant(text: str, tz: ZoneInfo) -> str:
    """A wall-clock time of a form (`2026-11-26T10:00`) as an instant. Raises 400."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise HTTPException(400) from None
    return instant_text((at if at.tzinfo else at.replace(tzinfo=tz)).astimezone(UTC))


def params_of(act: ActName, form: Mapping[str, str], tz: ZoneInfo) -> dict[str, str]:
    """The parameters that an act takes, as far as the form has them; `tz` is the site's."""
    found = {name: form[name].strip() for name in _FIELDS.get(act, ()) if form.get(name, "").strip()}
    return {name: instant(value, tz) if name in _TIMES else value for name, value in found.items()}
