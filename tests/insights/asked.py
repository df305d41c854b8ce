"""Made-up questions: rounds of one step of one path, and who answers when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from caredispatch.core.facts import Directory, Location, Staff
from caredispatch.core.ids import Id, make_id
from caredispatch.store.asked import Asked

NOON = datetime(2026, 9, 7, 17, 0, tzinfo=UTC)
"""A Monday noon in Chicago."""
PEOPLE = ("Ana", "Ben", "Cleo", "Dan")
IDS = {handle: make_id("staff", handle) for handle in PEOPLE}
DIRECTORY = Directory(
    version=1,
    practice_id=Id(make_id("practice", "testville")),
    name="Testville",
    locations={"north": Location("north", "North", "America/Chicago", "IL")},
    services={},
    staff={IDS[h]: Staff(IDS[h], h, f"{h} Beispiel", ("therapist",), hours=()) for h in PEOPLE},
)


def question(
    n: int, who: str, at: datetime, minutes: float | None, *, yes: bool = True, path: str = "cover", step: int = 0
) -> Asked:
    """Question n, answered after so many minutes (None: never)."""
    state = "expired" if minutes is None else "accepted" if yes else "declined"
    answered = None if minutes is None else at + timedelta(minutes=minutes)
    return Asked(f"case-{n}", "A later visit", path, step, IDS[who], "north", at, answered, state)


def rounds(
    n: int, size: int, answer: Callable[[int, int], float | None], *, path: str = "cover", step: int = 0
) -> list[Asked]:
    """n rounds of so many people each, a day after the other; `answer(round, place)` in minutes, None: no answer."""
    asked = []
    for i in range(n):
        at = NOON + timedelta(days=i)
        asked += [question(i, PEOPLE[p], at, answer(i, p), path=path, step=step) for p in range(size)]
    return asked
