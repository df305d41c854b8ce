"""The one record and the coordination around it, as immutable values. What a row of each table means is said here;
how it is stored is `store`'s business. `State` is everything that is decided about together: one appointment with its
copies, its cases and asks, and the occupations of its session."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from caredispatch.core.content import Content, Modality, Status
from caredispatch.core.ids import Id

Coverage = Literal["uncovered", "at_risk", "tentative", "confirmed"]
Confirmation = Literal["unasked", "asked", "confirmed", "declined", "silent"]
Initiator = Literal["patient", "practice"]
Order = Literal["rank", "seniority", "rotation", "least_hours", "mandate"]
"""In which order a pool is asked (D30): by the rule's weights; by length of service; who was offered least lately; who
works least this week; volunteers by seniority, then the others in inverse seniority."""
CaseKind = Literal["confirm", "cover", "fill", "follow_up", "place"]
Channel = Literal["sms", "email"]
StageName = Literal["booking_confirmation", "no_show_follow_up", "dispatch_routing", "escalation"]
StageState = Literal["off", "shadow", "live"]
PersonKind = Literal["staff", "patient"]

COVERAGE_WORST_FIRST: tuple[Coverage, ...] = ("uncovered", "at_risk", "tentative", "confirmed")
PATIENT = "patient"
PROVIDER = "provider"
SLOT = "slot"
"""The role that `fill`, `follow_up` and `place` cases are about: a time, not a person."""
OURS = "caredispatch"
"""The `source` of visits that were not first seen in a connected system."""


@dataclass(frozen=True)
class Request:
    """What a visit that has no time yet asks for (D15), and what somebody on the waitlist would take (D19).

    `not_before` and `until` bound the time, `since` is from when they wait. `days` are weekdays (0 is Monday), `begin`
    and `end` minutes of the day at the site; empty and None: any. `sites`, `providers` and `modalities` are what they
    would take, empty: any. `notice_minutes` is the least notice before a start; who is not `ready` (papers, payer) is
    offered nothing. After `offers_most` offers no more are made. `instead_of` is a later visit that a yes frees.
    `urgent` is an emergency add-on. `origin` says where it came from.
    """

    since: datetime
    not_before: datetime
    until: datetime
    origin: Literal["portal", "referral", "call", "walk_in", "add_on", "waitlist"] = "call"
    days: tuple[int, ...] = ()
    begin: int | None = None
    end: int | None = None
    sites: tuple[str, ...] = ()
    providers: tuple[Id, ...] = ()
    modalities: tuple[Modality, ...] = ()
    notice_minutes: int = 0
    ready: bool = True
    offers_most: int = 10
    instead_of: Id | None = None
    urgent: bool = False


@dataclass(frozen=True)
class Option:
    """One time that somebody may choose: when, with whom, where and how. `displaces` is the visit that gives way."""

    start_at: datetime
    end_at: datetime
    provider_id: Id
    location: str
    modality: Modality
    room_id: Id | None = None
    displaces: Id | None = None


@dataclass(frozen=True)
class Participant:
    """Who or what fills one role of a visit (FHIR `Appointment.participant`). `coverage` is of the role (D2);
    None for patients, who have a confirmation instead."""

    role: str
    kind: Literal["patient", "staff", "room", "equipment", "interpreter", "transport"]
    actor_id: Id | None
    coverage: Coverage | None = None


@dataclass(frozen=True)
class Appointment:
    """The single record of one visit.

    `settle_at` is set while a cancellation settles (D9); `rescheduled_from` names the visit that this one replaces;
    `source` is the connection that it was first seen in; `next_look_at` the earliest instant at which anything open
    on it falls due (E17); `version` counts changes of the record. `held_triggers` wait behind a volume exception (D8);
    `tell_by_done` says that the patient heard the bad news (D18).

    With a `request` and still `proposed` or on the `waitlist` it has no time yet: `start_at` and `end_at` are then the
    last that the request would take. Without patient and `proposed` it is a free time of ours, a slot to be filled.
    `gaps_seen` counts the coverage gaps that were looked at (D40), `late_minutes` by how much it is expected to start
    late (D13), `not_started` says that it was looked at whether it began, and it had not (D12). `closed_by` is the
    incident that closes its site then (D14).
    """

    practice_id: Id
    appointment_id: Id
    session_id: Id
    source: str
    service: str
    location: str
    modality: Modality
    status: Status
    start_at: datetime
    end_at: datetime
    created_at: datetime
    participants: tuple[Participant, ...] = ()
    confirmation: Confirmation = "unasked"
    confirmed_at: datetime | None = None
    initiator: Initiator | None = None
    cancelled_at: datetime | None = None
    settle_at: datetime | None = None
    rescheduled_from: Id | None = None
    series_id: Id | None = None
    observed_overlap: bool = False
    tell_by_done: bool = False
    held_triggers: tuple[str, ...] = ()
    request: Request | None = None
    gaps_seen: int = 0
    late_minutes: int = 0
    closed_by: Id | None = None
    not_started: bool = False
    version: int = 1
    next_look_at: datetime | None = None

    @property
    def timed(self) -> bool:
        """Whether its time is a time: a request that was not placed yet has none."""
        if self.request is None or self.status in ("proposed", "waitlist"):
            return self.request is None
        return self.status not in ("cancelled", "entered-in-error") or any(p.kind == "staff" for p in self.participants)

    @property
    def is_slot(self) -> bool:
        """Whether it is a free time of ours that somebody is sought for (D19)."""
        return self.status == "proposed" and self.source == OURS and self.request is None

    @property
    def coverage(self) -> Coverage:
        """The worst coverage of its roles; a visit that needs nobody is confirmed."""
        found = {p.coverage for p in self.participants if p.coverage is not None}
        return next((c for c in COVERAGE_WORST_FIRST if c in found), "confirmed")

    @property
    def active(self) -> bool:
        """Still to happen: neither over, cancelled nor a mistake."""
        return self.status in ("proposed", "pending", "booked", "arrived", "checked-in", "waitlist")

    def participant(self, role: str) -> Participant | None:
        """Who fills a role, or None when the visit has no such role."""
        return next((p for p in self.participants if p.role == role), None)

    def actor(self, role: str) -> Id | None:
        """The id of who fills a role, or None."""
        found = self.participant(role)
        return found.actor_id if found else None

    @property
    def patient_id(self) -> Id | None:
        """The (first) patient's key."""
        return self.actor(PATIENT)


@dataclass(frozen=True)
class Occupation:
    """Time of a person, room or patient that WE booked (D1), buffers included. The database refuses two of one
    resource that overlap and belong to different sessions (E8)."""

    practice_id: Id
    occupation_id: Id
    session_id: Id
    appointment_id: Id
    resource_id: Id
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True)
class Link:
    """A copy of the appointment in one system.

    `seen` is the base of the three-way merge (E4), `wanted` what the copy should say, `sent` every content that we
    sent since it was last equal to what we wanted. `written_order` is the copy's order right after our last write: an
    observation above it is a read-back. `rounds` counts read-backs that disagreed. `landed` means read back and equal.
    """

    practice_id: Id
    link_id: Id
    connection_id: str
    appointment_id: Id
    external_id: str | None = None
    seen: Content = field(default_factory=dict)
    seen_etag: str | None = None
    seen_order: int | None = None
    wanted: Content | None = None
    sent: tuple[Content, ...] = ()
    state: Literal["idle", "waiting", "landed", "conflict", "refused"] = "idle"
    written_order: int | None = None
    landed_at: datetime | None = None
    rounds: int = 0


@dataclass(frozen=True)
class Hold:
    """A candidate's time kept from others in one system while the patient is asked (D19); there is at most one of each
    visit and system.

    `wanted` is what should be held there (`start_at`, `end_at`, `actor.<role>`; empty: nothing), `placed` all that may
    stand there, whatever became of the calls; `until` is when the agreement must be there; `version` counts what was
    sent.
    """

    practice_id: Id
    appointment_id: Id
    connection_id: str
    wanted: Content = field(default_factory=dict)
    placed: tuple[Content, ...] = ()
    until: datetime | None = None
    version: int = 0


@dataclass(frozen=True)
class Case:
    """One piece of coordination: ask people in some order until one says yes, else a named human.

    `subject` says whom a `confirm` is about (the role, or `patient`); `step` is the index in the path; `phase` what
    it waits for: coverage before a patient is asked (`gated`), calendars (`checking`), answers (`asking`), the
    patient's agreement to `candidate_id` (`agreeing`). An open case always has `due_at`. `text` is set where the person
    is told rather than asked (D16). A `follow_up` first waits (`waiting`), a time that was chosen is booked (`booking`)
    as the visit `booked_id`, and a case that `follows` another visit's, of its session or series, waits for what
    becomes of that (`following`, D1, D3); that one knows its `followers`. Before anybody else is sought the
    patient may be asked whether their own provider by video will do (`by_video`, D26). `remind` are minutes before the
    start (`confirm`), `ordering` how a pool is asked (D30). While `paused` or `snoozed_until` nobody is asked;
    deadlines go on. `checked` maps `<connection>:<staff>` to what that calendar said: free, busy or unknown; `lost_id`
    is who can't do it any more.
    """

    practice_id: Id
    case_id: Id
    kind: CaseKind
    appointment_id: Id
    role: str
    rule: str
    path: str
    playbook_version: int
    opened_at: datetime
    state: Literal["open", "settled", "handed", "closed"] = "open"
    outcome: str | None = None
    closed_at: datetime | None = None
    phase: Literal["gated", "checking", "asking", "agreeing", "waiting", "booking", "following", "by_video"] = "asking"
    step: int = 0
    due_at: datetime | None = None
    step_until: datetime | None = None
    shadow: bool = False
    text: str | None = None
    pool: str | None = None
    prefer: dict[str, int] = field(default_factory=dict)
    candidate_id: Id | None = None
    lost_id: Id | None = None
    checked: dict[str, str] = field(default_factory=dict)
    patient_refused: bool = False
    incident_id: Id | None = None
    remind: tuple[int, ...] = ()
    ordering: Order = "rank"
    together: bool = False
    follows: Id | None = None
    followers: tuple[Id, ...] = ()
    booked_id: Id | None = None
    paused: bool = False
    snoozed_until: datetime | None = None


AskPurpose = Literal[
    "confirm_staff",
    "inform_staff",
    "cover",
    "take_add_on",
    "confirm_patient",
    "agree_patient",
    "offer_slot",
    "offer_times",
]
AskState = Literal["pending", "sent", "accepted", "declined", "expired", "withdrawn", "undeliverable"]


@dataclass(frozen=True)
class Ask:
    """One question to one person. `number` lets a person with several open questions answer each by text (D5);
    `informs` expects no answer but takes an objection (D16). An ask to cover that has `answered_at` and is not decided
    yet is a yes that stands by while the patient is asked about somebody else (E11)."""

    practice_id: Id
    ask_id: Id
    case_id: Id
    appointment_id: Id
    purpose: AskPurpose
    person_kind: PersonKind
    person_id: Id
    role: str
    step: int
    asked_at: datetime
    due_at: datetime
    number: int
    by: tuple[Channel, ...]
    state: AskState = "pending"
    contact_id: Id | None = None
    channel: Channel | None = None
    tried: tuple[Id, ...] = ()
    candidate_id: Id | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    answered_at: datetime | None = None
    answered_via: str | None = None
    options: tuple[Option, ...] = ()
    choice: int | None = None
    reminded: int = 0

    @property
    def open(self) -> bool:
        """Whether an answer is still awaited."""
        return self.state in ("pending", "sent")

    @property
    def stands_by(self) -> bool:
        """A yes to cover that waits for its turn."""
        return self.purpose == "cover" and self.answered_at is not None and (self.open or self.state == "expired")


ExceptionKind = Literal[
    "nobody_found",
    "patient_declined",
    "provider_silent",
    "handed_over",
    "conflict",
    "overlap",
    "not_understood",
    "mapping_missing",
    "missing_fact",
    "delivery_failed",
    "fetch_failed",
    "free_text",
    "probably_cancels",
    "stage_not_live",
    "volume",
    "poison",
    "call",
    "gap",
    "not_started",
    "safety",
    "slot_unfilled",
    "not_placed",
    "staff_notice",
]


@dataclass(frozen=True)
class Exception_:
    """What now needs a human: what, why, until when, whose. `detail` holds codes and ids, never identity. A line of
    kind `call` stands on the call list, not in the queue (D25)."""

    practice_id: Id
    exception_id: Id
    kind: ExceptionKind
    owner: str
    raised_at: datetime
    ack_by: datetime
    appointment_id: Id | None = None
    case_id: Id | None = None
    connection_id: str | None = None
    detail: dict[str, str] = field(default_factory=dict)
    state: Literal["open", "claimed", "resolved"] = "open"
    claimed_by: str | None = None
    escalated: int = 0
    resolved_at: datetime | None = None
    resolution: str | None = None


@dataclass(frozen=True)
class Delivery:
    """One outbound effect (E19). `tell` is immutable and never coalesced; `write` names a link, whose wanted content
    is read when it is sent; `hold` keeps or frees a candidate's time as the visit's hold says when it is sent;
    `ask_system` asks for busy time. `params` hold no identity: that is joined by the
    deliverer. `ordering_key` serialises what must stay in order; what may not leave before `not_before` (quiet hours)
    lets what may go first."""

    practice_id: Id
    delivery_id: Id
    kind: Literal["ask_system", "write", "hold", "tell"]
    ordering_key: str
    created_at: datetime
    appointment_id: Id | None = None
    connection_id: str | None = None
    link_id: Id | None = None
    ask_id: Id | None = None
    person_id: Id | None = None
    contact_id: Id | None = None
    text: str | None = None
    params: dict[str, str] = field(default_factory=dict)
    not_before: datetime | None = None
    send_before: datetime | None = None


IncidentKind = Literal[
    "staff_unavailable",
    "staff_late",
    "video_only",
    "staff_leaving",
    "location_closed",
    "add_on",
    "series_booked",
    "series_changed",
]


@dataclass(frozen=True)
class Incident:
    """One change outside and every case it opened. What staff say of themselves is first `proposed`: echoed with the
    visits that it affects, and confirmed (D26): until `due_at`, then a person gets it. `minutes` is by how much
    somebody is late; `contact_id` where the words came from; `visits` are those it hit. A series that is entered or
    changed in a source is `proposed` while its visits are gathered, until `due_at` (D3): the earliest is the first of
    `visits`, `staff_id` had them before and knows of it, `reason` is the role that it is about (empty: all)."""

    practice_id: Id
    incident_id: Id
    kind: IncidentKind
    at: datetime
    state: Literal["proposed", "confirmed", "dropped", "undone"]
    start_at: datetime
    end_at: datetime
    staff_id: Id | None = None
    location: str | None = None
    minutes: int = 0
    reason: str = ""
    raised_by: str = ""
    contact_id: Id | None = None
    visits: tuple[Id, ...] = ()
    due_at: datetime | None = None


@dataclass(frozen=True)
class Leave:
    """Time in which somebody does not work, or a site is closed (`staff_id` is then `site_id`); `block_id` is the
    incident's. Not `away` any more: they came back."""

    practice_id: Id
    block_id: Id
    staff_id: Id
    start_at: datetime
    end_at: datetime
    away: bool = True


@dataclass(frozen=True)
class Suppression:
    """A contact must not be used any more, by anyone (D22)."""

    practice_id: Id
    contact_id: Id
    status: Literal["opted_out", "wrong", "undeliverable", "usable"]


@dataclass(frozen=True)
class Count:
    """One conditional bump of a limit (E12): person, what, the period's first day, and the most there may be."""

    practice_id: Id
    person_id: Id
    what: str
    period: str
    most: int


@dataclass(frozen=True)
class State:
    """Everything about one subject that a decision may change: an appointment with what belongs to it, or an
    incident."""

    appointment: Appointment | None = None
    links: tuple[Link, ...] = ()
    cases: tuple[Case, ...] = ()
    asks: tuple[Ask, ...] = ()
    exceptions: tuple[Exception_, ...] = ()
    occupations: tuple[Occupation, ...] = ()
    holds: tuple[Hold, ...] = ()
    incident: Incident | None = None
