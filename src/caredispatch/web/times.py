"""Times as people read them: in the zone of the place, in the reader's language, with the other zone where it differs
(D4)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_name

_LOCALES = {"en": Locale("en", "US"), "es": Locale("es", "US")}


def _locale(language: str) -> Locale:
    return _LOCALES.get(language[:2].lower(), _LOCALES["en"])


def clock(at: datetime, tz: ZoneInfo, language: str = "en") -> str:
    """`3:00 PM`."""
    return format_time(at.astimezone(tz), "short", tzinfo=tz, locale=_locale(language)).replace("\u202f", " ")


def exact(at: datetime, tz: ZoneInfo) -> str:
    """`15:00:07`, for time lines; with the day where it is not today is the caller's business."""
    return at.astimezone(tz).strftime("%H:%M:%S")


def hour(at: datetime, tz: ZoneInfo) -> str:
    """`15:00`."""
    return at.astimezone(tz).strftime("%H:%M")


def hour_of(at: datetime, tz: ZoneInfo, page: ZoneInfo) -> str:
    """`15:00`, and `15:00 CST` where the page's own clock shows another time."""
    return hour(at, tz) if same_clock(at, tz, page) else f"{hour(at, tz)} {at.astimezone(tz):%Z}"


def day(at: datetime, tz: ZoneInfo, language: str = "en") -> str:
    """`Tuesday, November 24`."""
    pattern = "EEEE d 'de' MMMM" if language.startswith("es") else "EEEE, MMMM d"
    return format_date(at.astimezone(tz), pattern, locale=_locale(language))


def short_day(at: datetime, tz: ZoneInfo) -> str:
    """`Tue 24 Nov`."""
    return format_date(at.astimezone(tz), "EEE d MMM", locale=_LOCALES["en"])


def weekday(at: datetime, tz: ZoneInfo) -> str:
    """`Tue 24`."""
    return format_date(at.astimezone(tz), "EEE d", locale=_LOCALES["en"])


def zone_name(at: datetime, tz: ZoneInfo, language: str = "en") -> str:
    """`Mountain Standard Time`."""
    return get_timezone_name(at.astimezone(tz), width="long", locale=_locale(language))


def same_clock(at: datetime, one: ZoneInfo, other: ZoneInfo) -> bool:
    """Whether both zones show the same wall-clock time at an instant."""
    return at.astimezone(one).utcoffset() == at.astimezone(other).utcoffset()


def length(span: timedelta) -> str:
    """`48 s`, `12 min`, `1 h 18`, `3 d`: short, rounded down; nothing negative."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d}" if minutes % 60 else f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} d"


def in_words(seconds: float | None) -> str:
    """A measured span: `1 min 12 s`; a dash where there is none."""
    if seconds is None:
        return "–"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
