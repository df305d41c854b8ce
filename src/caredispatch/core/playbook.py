"""The practice's policy as typed values: what `policy` reads from YAML and `routing` and `casework` follow. The
vocabulary is closed; adding a trigger or a condition touches this room and its page of documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, get_args

from caredispatch.core.content import Modality
from caredispatch.core.records import Channel, Order, StageName, StageState

Trigger = Literal[
    "booked",
    "rescheduled",
    "cancelled",
    "staff_unavailable",
    "conflict_found",
    "no_show",
    "arrived",
    "fulfilled",
    "slot_opened",
    "add_on",
    "request_received",
    "coverage_gap",
    "patient_confirmed",
    "patient_declined",
    "patient_silent",
    "staff_late",
    "patient_late",
    "visit_not_started",
    "location_closed",
    "series_changed",
    "staff_leaving",
]
Section = Literal["staff", "patient", "slot"]
ConditionName = Literal[
    "service",
    "location",
    "modality",
    "role",
    "initiator",
    "must_not_miss",
    "automation",
    "origin",
    "notice",
    "late_by",
    "patient_no_shows_90d",
    "patient_late_cancels_90d",
]
Preference = Literal["continuity", "care_plan", "location", "load", "soonest", "least_disturbance", "longest_wait"]
Pool = Literal["same_care_plan", "qualified"]
PatientAgreement = Literal["required", "notice", "none"]
MessageKind = Literal["booking", "reminder", "change", "cancellation"]
"""What patients are written about, by any system: each kind has one sender (D20)."""

TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)
ROLE_LOST: tuple[Trigger, ...] = (
    "conflict_found",
    "staff_unavailable",
    "coverage_gap",
    "visit_not_started",
    "staff_leaving",
)
"""Triggers that are about one role, which lacks its person (D2)."""
SECTIONS: tuple[Section, ...] = get_args(Section)
CONDITIONS: tuple[ConditionName, ...] = get_args(ConditionName)
ORDERS: tuple[Order, ...] = get_args(Order)
MESSAGE_KINDS: tuple[MessageKind, ...] = get_args(MessageKind)


@dataclass(frozen=True)
class OneOf:
    """The value is (`negate`: is not) one of these."""

    values: tuple[str, ...]
    negate: bool = False


@dataclass(frozen=True)
class Within:
    """`low <= value < high`, where a bound that is None does not bind. Durations are whole minutes."""

    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class Condition:
    """One named fact and the test that it must pass."""

    name: ConditionName
    test: OneOf | Within


@dataclass(frozen=True)
class Confirm:
    """Open a `confirm` case: ask the provider or the patient along a path. A patient who has not answered is reminded
    at these minutes before the start."""

    who: Literal["provider", "patient"]
    path: str
    remind: tuple[int, ...] = ()


@dataclass(frozen=True)
class Cover:
    """Open a `cover` case for the role that was lost: rank the pool by the preferences (weights), or take the order
    that law or contract demands (D30), and ask along a path. `together`: who is asked about several visits of one
    incident gets one message that lists them (E18)."""

    pool: Pool
    path: str
    prefer: Mapping[Preference, int] = field(default_factory=dict)
    together: bool = False
    order: Order = "rank"


@dataclass(frozen=True)
class Fill:
    """Open a `fill` case for a time that became free: offer it to the waitlist along a path (D19)."""

    path: str
    prefer: Mapping[Preference, int] = field(default_factory=dict)


@dataclass(frozen=True)
class FollowUp:
    """Open a `follow_up` case: after so many minutes, bring the patient back along a path (D13, D18)."""

    path: str
    after: int = 0


@dataclass(frozen=True)
class Place:
    """Open a `place` case: find a time for a visit that has none yet (D15)."""

    pool: Pool
    path: str
    prefer: Mapping[Preference, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Tell:
    """Say, expecting no answer."""

    who: Literal["provider", "patient"]
    text: str
    by: tuple[Channel, ...] = ("sms", "email")


@dataclass(frozen=True)
class HandTo:
    """Put it before a named human: a name under `people`."""

    who: str


@dataclass(frozen=True)
class Nothing:
    """Deliberately do nothing, and say why."""

    reason: str


Action = Confirm | Cover | Fill | FollowUp | Place | Tell | HandTo | Nothing


@dataclass(frozen=True)
class Window:
    """How long a step waits: plain minutes, until so many minutes before the start, or minutes during which the
    person can look (D16)."""

    kind: Literal["minutes", "until_before_start", "reachable"]
    minutes: int


@dataclass(frozen=True)
class Offer:
    """What a patient may choose from: so many times (`openings`), only with their own provider, by video, or at another
    site (D14, D17)."""

    openings: int = 3
    own_provider: bool = False
    modality: Modality | None = None
    other_site: bool = False


@dataclass(frozen=True)
class AskStep:
    """Ask `whom` (assignee, pool, waitlist, patient, or a name under `people`, in its order), `at_once` at a time;
    AUTO: as many as the time left demands. `offer` is what a patient is asked to choose from."""

    whom: str
    by: tuple[Channel, ...]
    window: Window
    at_once: int = 1
    on_decline: Action | None = None
    offer: Offer | None = None


AUTO = 0


@dataclass(frozen=True)
class TellStep:
    """Say something on the way: nothing is waited for."""

    tell: Tell


@dataclass(frozen=True)
class HandToStep:
    """The named human at a path's end."""

    who: str


@dataclass(frozen=True)
class ListStep:
    """A patient's path may end on the call list."""

    owner: str


Step = AskStep | TellStep | HandToStep | ListStep


@dataclass(frozen=True)
class Path:
    """An escalation path: steps tried in order until one is answered with yes. `urgent` ignores quiet hours."""

    name: str
    urgent: bool
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Rule:
    """When one of the triggers, if all conditions hold, then the actions."""

    name: str
    when: tuple[Trigger, ...]
    then: tuple[Action, ...]
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Stage:
    """Where a roll-out stage stands: per location, from a date (before it: off)."""

    otherwise: StageState = "live"
    by_location: Mapping[str, StageState] = field(default_factory=dict)
    since: date | None = None

    def at(self, location: str, on: date) -> StageState:
        """The stage's state at a location on a day of that location's calendar."""
        if self.since is not None and on < self.since:
            return "off"
        return self.by_location.get(location, self.otherwise)


@dataclass(frozen=True)
class ServicePolicy:
    """What a service demands of coordination. `automation: human_first` sends every start of a case to a person
    (D31). Who comes up to `grace` minutes late is seen; after that the visit is shortened, or made anew (D13). A visit
    that may be displaced gives way to an emergency add-on; one that must not be missed never does."""

    patient_agreement: PatientAgreement = "required"
    must_not_miss: bool = False
    automation: Literal["allowed", "human_first"] = "allowed"
    grace: int = 15
    when_late: Literal["see", "shorten", "rebook"] = "see"
    displaceable: bool = False

    def shortens(self, minutes: int) -> bool:
        """Whether a visit that begins so many minutes late is shortened: it ends when it was to (D13)."""
        return self.when_late == "shorten" and minutes > self.grace


@dataclass(frozen=True)
class QuietHours:
    """Minutes of the day, in the recipient's zone, from which and until which nobody is disturbed. May span
    midnight."""

    begin: int
    end: int

    def covers(self, minute_of_day: int) -> bool:
        """Whether that minute is quiet."""
        if self.begin <= self.end:
            return self.begin <= minute_of_day < self.end
        return minute_of_day >= self.begin or minute_of_day < self.end


@dataclass(frozen=True)
class Limits:
    """How often one person, or one number, is written to (D21). Staff asks a day and patient asks and reminders a week
    count people; texts to patients count numbers, unless consent is recorded for the number."""

    staff_asks_per_day: int = 4
    patient_asks_per_week: int = 3
    patient_reminders_per_week: int = 2
    texts_per_day: int = 1
    texts_per_week: int = 3


@dataclass(frozen=True)
class Playbook:
    """One published version. `settle_minutes` D9, `tell_by_minutes` before the start D18, `acknowledge_minutes` D28,
    `busy_wait_seconds` how long a decision waits for a calendar before it goes on without (E1). `last_owner` is who an
    unclaimed exception climbs to.

    `gap_minutes` before the start a visit without confirmed staff is a gap (D40). So many minutes after the start
    without an arrival `not_started_minutes` sets off its trigger (D12). Who is moved by more than `moved_minutes` for
    somebody's lateness hears of it (D13). `paced_per_minute` texts of one closure leave at most (D14). `senders` name
    who writes to patients about what; by default we do (D20). `crisis_words` add to the shipped ones, `clinician` is
    who is asked then (D23). `texting` bounds automated texts to patients by state (D21).
    """

    name: str
    version: int
    sections: Mapping[Section, tuple[Rule, ...]]
    paths: Mapping[str, Path]
    people: Mapping[str, tuple[str, ...]]
    texts: Mapping[str, Mapping[str, str]]
    stages: Mapping[StageName, Stage] = field(default_factory=dict)
    services: Mapping[str, ServicePolicy] = field(default_factory=dict)
    quiet_staff: QuietHours = QuietHours(20 * 60 + 30, 7 * 60)
    quiet_patients: QuietHours = QuietHours(20 * 60, 8 * 60)
    texting: Mapping[str, QuietHours] = field(default_factory=dict)
    limits: Limits = Limits()
    settle_minutes: int = 3
    tell_by_minutes: int = 120
    acknowledge_minutes: int = 15
    busy_wait_seconds: int = 60
    gap_minutes: tuple[int, ...] = (72 * 60, 48 * 60, 24 * 60)
    not_started_minutes: int = 15
    moved_minutes: int = 10
    paced_per_minute: int = 10
    senders: Mapping[MessageKind, str] = field(default_factory=dict)
    crisis_words: tuple[str, ...] = ()
    clinician: str = ""
    last_owner: str = "practice_manager"

    def service(self, code: str) -> ServicePolicy:
        """The policy of a service; the defaults where the playbook says nothing of it."""
        return self.services.get(code, ServicePolicy())

    def stage(self, name: StageName, location: str, on: date) -> StageState:
        """Where a stage stands; one that the playbook does not name is off."""
        found = self.stages.get(name)
        return found.at(location, on) if found else "off"
