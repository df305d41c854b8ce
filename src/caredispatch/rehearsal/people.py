"""The people of a simulated month: whether and when they answer, what they say, whether they come. Each draw is a hash
of the seed and a natural key, never of a shared stream: the same person has the same luck whatever else is played, so
that two ways of working are compared on the same luck."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from statistics import NormalDist
from struct import Struct

from caredispatch.core.ids import Id
from caredispatch.core.observation import Label
from caredispatch.rehearsal.month import Planned
from caredispatch.rehearsal.parameters import Parameters

PHONE = "phone"
"""The channel of somebody who phones on another's behalf."""
UP_AT = 6 * 60
ASLEEP_FROM = 22 * 60
SLOW_PAGE = 15.0
SLOW_TEXT = 240.0
"""Minutes from which an answer counts as slow, in the sources: to a page, and (assumed) to a text."""
_DAY = 24 * 60
_FULL = float(2**32)
_WORDS = Struct(">5I")
_NORMAL = NormalDist()
Luck = tuple[float, float, float, float, float]
"""Whether they can be reached, what they want, how long it takes, which of several, and whether they are as always."""
_AS_ALWAYS = {
    "cover": 2,
    "take_add_on": 2,
    "confirm_patient": 2,
    "confirm_staff": 1,
    "offer_times": 1,
    "agree_patient": 1,
}
"""Which questions a person may meet as they always do: 1, whether they can be reached; 2, also what they want. Offers
of the waitlist are not among them: what is known of those is reckoned for offers that have nothing to do with each
other."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody says, and how many minutes after they were asked. `choice` is the option that a yes takes."""

    after: float
    label: Label
    choice: int | None = None


@dataclass(frozen=True, slots=True)
class _Pace:
    """Log-normal minutes until an answer, by their median and the share of answers that take `slow` minutes or more."""

    mu: float
    sigma: float

    @staticmethod
    def of(median: float, share: float, slow: float) -> _Pace:
        beyond = min(max(share / 100, 0.001), 0.499)
        spread = math.log(max(slow / max(median, 0.01), 1.05)) / _NORMAL.inv_cdf(1 - beyond)
        return _Pace(math.log(max(median, 0.01)), spread)

    def minutes(self, luck: float) -> float:
        return math.exp(self.mu + self.sigma * _NORMAL.inv_cdf(min(max(luck, 1e-6), 1 - 1e-6)))


class People:
    """Everybody's luck under one seed."""

    def __init__(self, parameters: Parameters, seed: int) -> None:
        self.patients = parameters.patients
        self.staff = parameters.staff
        self.seed = seed
        staff, patients = self.staff, self.patients
        self._page = _Pace.of(staff.page_median, staff.page_slow, SLOW_PAGE)
        self._phone = _Pace.of(staff.phone_median, staff.phone_slow, SLOW_PAGE)
        self._text = _Pace.of(patients.confirm_median, patients.confirm_slow, SLOW_TEXT)

    def _luck(self, what: str, who: str, key: str) -> Luck:
        """Five numbers from 0 up to 1, independent of each other and of every other key's."""
        digest = blake2b(f"{self.seed}\x1f{what}\x1f{who}\x1f{key}".encode(), digest_size=20).digest()
        one, two, three, four, five = _WORDS.unpack(digest)
        return one / _FULL, two / _FULL, three / _FULL, four / _FULL, five / _FULL

    def _mood(self, purpose: str, person: str, key: str, persists: float) -> Luck:
        """The luck of a question, of which a part is the person's own: some always answer, some never."""
        luck = self._luck(purpose, person, key)
        as_always = _AS_ALWAYS.get(purpose, 0)
        if not as_always or luck[4] * 100 >= persists:
            return luck
        reached, wants, *_ = self._luck("always", person, "")
        return reached, wants if as_always > 1 else luck[1], *luck[2:]

    def reply(
        self,
        person: str,
        is_staff: bool,
        purpose: str,
        key: str,
        channel: str,
        at: datetime,
        local_minute: int,
        asked_this_week: int,
        minutes_to_start: int,
        *,
        visit: Planned | None = None,
        options: int = 1,
        busy_minutes: float = 0.0,
    ) -> Reply | None:
        """What a person answers to a question, None where nothing comes before the visit starts. `key` names the
        question whatever way it is played (purpose and visit, say), `at` and `local_minute` are when it arrives,
        `asked_this_week` how often they were asked before in that week. `visit` is the one that a patient is asked
        about, None where they want one; `options` is how many times there are to choose from; staff who see a patient
        look after `busy_minutes`."""
        luck = self._mood(purpose, person, key, (self.staff if is_staff else self.patients).persists)
        if is_staff:
            said = self._staff_says(purpose, luck, asked_this_week)
        else:
            said = self._patient_says(purpose, luck, channel, visit)
        if said is None:
            return None
        after = self._after(is_staff, channel, luck[2], local_minute, busy_minutes, luck[3])
        if after >= minutes_to_start:
            return None
        return Reply(after, said, min(int(luck[3] * options), options - 1) if said == "yes" and options > 1 else None)

    def _staff_says(self, purpose: str, luck: Luck, asked: int) -> Label | None:
        ways = self.staff
        if purpose == "inform_staff":
            return "no" if luck[0] * 100 < ways.declines_own else None
        if purpose == "confirm_staff":
            if luck[0] * 100 >= ways.answers_own:
                return None
            return "no" if luck[1] * 100 < ways.declines_own else "yes"
        willing = ways.answers_cover * (1 - ways.tires / 100) ** asked
        if luck[0] * 100 >= willing:
            return None
        return "yes" if luck[1] * 100 < ways.accepts_cover else "no"

    def _patient_says(self, purpose: str, luck: Luck, channel: str, visit: Planned | None) -> Label | None:
        ways = self.patients
        if channel == PHONE and luck[0] * 100 >= ways.picks_up:
            return None
        match purpose:
            case "confirm_patient":
                return self._confirms(luck, channel, visit)
            case "offer_slot":
                # Of those who answer an offer at all, some say no; whoever was reached by phone says one or the other.
                if luck[1] * 100 < ways.accepts_offer:
                    return "yes"
                return "no" if channel == PHONE or luck[1] * 100 < ways.answers_offer else None
            case "offer_times":
                share = ways.accepts_times if visit is None else ways.comes_back
            case _:
                share = ways.accepts_change
        if luck[1] * 100 < share:
            return "yes"
        # Of those who don't want it, half say so in a text.
        return "no" if channel == PHONE or luck[0] < 0.5 else None

    def _confirms(self, luck: Luck, channel: str, visit: Planned | None) -> Label | None:
        if visit is not None:
            fate = self._fate(visit, reminded=True)
            if fate == "cancels":
                return "reschedule" if luck[1] * 100 < self.patients.moves else "cancel"
            if fate == "misses":
                return "yes" if luck[1] * 100 < self.patients.confirms_and_misses else None
        return "yes" if channel == PHONE or luck[1] * 100 < self.patients.confirms else None

    def _after(self, is_staff: bool, channel: str, luck: float, local_minute: int, busy: float, night: float) -> float:
        if is_staff:
            pace = self._phone if channel == PHONE else self._page
        elif channel == PHONE:
            return busy + 1 + 2 * luck
        else:
            pace = self._text
        after = busy + pace.minutes(luck) * (self.staff.email_slower if channel == "email" else 1.0)
        asleep = local_minute >= ASLEEP_FROM or local_minute < UP_AT
        if asleep and not (is_staff and night * 100 < self.staff.answers_by_night):
            after += (UP_AT - local_minute) % _DAY
        return after

    def _fate(self, visit: Planned, reminded: bool) -> str:
        """What becomes of a visit that is not cancelled: `comes`, `misses`, or `cancels` when asked (a part of the
        no-shows that a reminder prevents)."""
        luck = self._luck("comes", visit.patient, visit.name)[0] * 1000
        if luck >= visit.missed:
            return "comes"
        ways = self.patients
        share = ways.reminder_prevents / 100 if reminded else 0.0
        held = visit.missed * share
        if luck >= held:
            return "misses"
        return "cancels" if luck < held * ways.prevented_cancels / 100 else "comes"

    def comes(self, visit: Planned, reminders: int, confirmed: bool) -> bool:
        """Whether a patient comes to a visit that stands. A reminder, or a question whether they come, prevents a part
        of the no-shows, once; having said yes keeps nobody from missing it (no source says that it does), so
        `confirmed` counts as being reminded and no more."""
        return self._fate(visit, reminded=reminders > 0 or confirmed) != "misses"

    def works_accepted_shift(self, staff: Id, key: str) -> bool:
        """Whether somebody who took over a visit or shift works it."""
        return self._luck("works", staff, key)[0] * 100 >= self.staff.not_worked
