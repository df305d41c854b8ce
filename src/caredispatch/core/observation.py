"""What reaches a decision: closed kinds of identity-free observations, each about one subject (an appointment, or a
contact whose answer fits no single question). Seen twice, an observation changes nothing the second time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from caredispatch.core.content import Content, Modality
from caredispatch.core.ids import Id
from caredispatch.core.playbook import Trigger
from caredispatch.core.records import PROVIDER, CaseKind, IncidentKind, Initiator, Option, Request

Mode = Literal["live", "first_load", "held"]
Label = Literal["yes", "no", "cancel", "reschedule", "opt_out", "opt_in", "help", "wrong_number", "late", "out",
                "crisis", "human"]  # fmt: skip
"""What a text says (`core/replies.py`); `human`: a person must read it (D22)."""


@dataclass(frozen=True)
class AppointmentSeen:
    """This appointment, in this system, at this version, looks like this. `content` is in our ids; `unmapped` names
    what could not be translated (`actor.provider=104`); `order` grows with each version of one copy (E3). In mode
    `first_load` nothing fires, in `held` what would fire waits for a person (D8)."""

    connection_id: str
    external_id: str
    content: Content
    order: int
    kind: Literal["appointment_seen"] = "appointment_seen"
    etag: str | None = None
    initiator: Initiator | None = None
    unmapped: tuple[str, ...] = ()
    mode: Mode = "live"
    changed_at: datetime | None = None
    free_text: Id | None = None


@dataclass(frozen=True)
class AppointmentGone:
    """A fetch by id said that the copy no longer exists. `mode` as of an appointment that was seen (D8)."""

    connection_id: str
    external_id: str
    order: int
    kind: Literal["appointment_gone"] = "appointment_gone"
    mode: Mode = "live"


@dataclass(frozen=True)
class Block:
    """A stretch of a person's time in some calendar. `ours` is our appointment where the entry says so; `origin` the
    external id that another connected system wrote into it (D10)."""

    resource_id: Id
    start_at: datetime
    end_at: datetime
    external_id: str
    ours: str | None = None
    origin: str | None = None
    transparent: bool = False
    all_day: bool = False
    tentative: bool = False


@dataclass(frozen=True)
class BusySeen:
    """The answer to a question about calendars (E1): everything that `connection_id` holds for `asked` between the two
    instants; `failed` names the reason when it could not say."""

    connection_id: str
    case_id: Id
    asked: tuple[Id, ...]
    start_at: datetime
    end_at: datetime
    blocks: tuple[Block, ...] = ()
    failed: str | None = None
    kind: Literal["busy_seen"] = "busy_seen"


@dataclass(frozen=True)
class Answered:
    """A person's answer to one ask. `on_behalf` names the account that took it by phone (D41); `text_id` where their
    words are kept in the vault. An opt-out by a carrier's word (STOP) is `carrier_word`, in other words it is not
    (D22)."""

    ask_id: Id
    label: Label
    via: str
    choice: int | None = None
    kind: Literal["answered"] = "answered"
    on_behalf: str | None = None
    text_id: Id | None = None
    carrier_word: bool = False


@dataclass(frozen=True)
class TextReceived:
    """An answer on a channel that could not be tied to one open ask before deciding: `open_asks` are the person's open
    asks over all appointments (none: a stray text; several: ask back, D5). `carrier_word` as of an answer (D22)."""

    contact_id: Id
    person_id: Id
    label: Label
    open_asks: tuple[Id, ...]
    text_id: Id | None = None
    carrier_word: bool = False
    kind: Literal["text_received"] = "text_received"


@dataclass(frozen=True)
class Reported:
    """What became of a text that we sent. `accepted`: the carrier took it; `unknown`: sent, no answer (E21)."""

    delivery_id: Id
    ask_id: Id | None
    state: Literal["accepted", "delivered", "failed", "unknown"]
    contact_id: Id | None = None
    code: str | None = None
    permanent: bool = False
    kind: Literal["reported"] = "reported"


@dataclass(frozen=True)
class Written:
    """How a write-back ended, short of being read back. `content` is what was sent; `order` the copy's order after
    it."""

    link_id: Id
    content: Content
    outcome: Literal["delivered", "refused", "conflict", "failed"]
    order: int | None = None
    external_id: str | None = None
    etag: str | None = None
    code: str | None = None
    kind: Literal["written"] = "written"


@dataclass(frozen=True)
class Held:
    """How an attempt to hold a candidate's time, or to free it, ended: when delivered, a system holds `content` for the
    visit and nothing (else) of `cleared`."""

    connection_id: str
    content: Content
    outcome: Literal["delivered", "refused", "failed"]
    cleared: tuple[Content, ...] = ()
    code: str | None = None
    kind: Literal["held"] = "held"


@dataclass(frozen=True)
class NoticeFailed:
    """A notice that could not become an observation: it is kept, and a person must know. `why` is a short code,
    `reason` one sentence without identity."""

    connection_id: str
    notice_id: Id
    why: Literal["not_understood", "fetch_failed", "poison"]
    reason: str
    external_id: str | None = None
    kind: Literal["notice_failed"] = "notice_failed"


@dataclass(frozen=True)
class PolledAgain:
    """A connection whose polls had failed, which a person was told of, is read again."""

    connection_id: str
    kind: Literal["polled_again"] = "polled_again"


@dataclass(frozen=True)
class VolumeSeen:
    """A source changed more in ten minutes than is usual: what that would send waits (D8)."""

    connection_id: str
    changes: int
    usual: int
    bucket: str
    kind: Literal["volume_seen"] = "volume_seen"


ActName = Literal[
    "assign",
    "move",
    "cancel",
    "overbook",
    "resolve",
    "claim",
    "release_claim",
    "snooze",
    "hand_over",
    "pause_case",
    "resume_case",
    "undo",
    "retry_write",
    "keep_ours",
    "accept_theirs",
    "release_volume",
    "discard_volume",
]


@dataclass(frozen=True)
class Acted:
    """What a signed-in person did on a page."""

    act: ActName
    account: str
    exception_id: Id | None = None
    params: dict[str, str] = field(default_factory=dict)
    kind: Literal["acted"] = "acted"


@dataclass(frozen=True)
class Requested:
    """Somebody wants a visit that has no time yet (D15), or waits for an earlier one (D19): from the API, a page, an
    import. Its subject is the new appointment."""

    patient_id: Id
    service: str
    location: str
    modality: Modality
    request: Request
    by: str
    waitlist: bool = False
    kind: Literal["requested"] = "requested"


@dataclass(frozen=True)
class Announced:
    """Something that hits several visits: somebody is out, late or leaves, a site closes (D3, D13, D14, D26). Its
    subject is the incident. `sure`: it needs no confirmation, since a person with the right to say so said it."""

    incident: IncidentKind
    start_at: datetime
    end_at: datetime
    by: str
    staff_id: Id | None = None
    location: str | None = None
    minutes: int = 0
    reason: str = ""
    contact_id: Id | None = None
    sure: bool = False
    text_id: Id | None = None
    kind: Literal["announced"] = "announced"


@dataclass(frozen=True)
class SeriesSeen:
    """A visit of a series is new, or changed in its source, as others of the series may be (D3): one change, to be told
    once. Its subject is the incident that gathers them. `role` is the one that somebody else (than `lost_id`, who knows
    of the visit) fills now, empty where everybody is asked anew."""

    incident: IncidentKind
    incident_id: Id
    visit_id: Id
    start_at: datetime
    end_at: datetime
    source: str
    role: str = ""
    lost_id: Id | None = None
    kind: Literal["series_seen"] = "series_seen"


@dataclass(frozen=True)
class Settled:
    """What becomes of an announced incident: whoever announced it confirmed it or not, or takes it back."""

    label: Literal["yes", "no", "undo"]
    by: str
    kind: Literal["settled"] = "settled"


@dataclass(frozen=True)
class Hit:
    """An incident reaches one visit: its trigger, the role that lost its person (`staff_id`), how late. Visits of one
    session or series that lost the same have one that leads, and knows its `followers` (D1, D3). `undone`: it was
    taken back. Of a series that was entered or changed in a source (`since` when), `role` is the one that somebody else
    than `lost_id` fills now, empty: all."""

    incident_id: Id
    trigger: Trigger
    role: str = PROVIDER
    minutes: int = 0
    reason: str = ""
    lead: Id | None = None
    not_before: datetime | None = None
    staff_id: Id | None = None
    followers: tuple[Id, ...] = ()
    video_only: bool = False
    undone: bool = False
    since: datetime | None = None
    lost_id: Id | None = None
    kind: Literal["hit"] = "hit"


@dataclass(frozen=True)
class Passed:
    """A word from one of our visits (`origin`) to another: every decision is about one, and tells the others what they
    must know, in the same transaction.

    `open_slot`: this is a free time now (`option`, `service`), fill it along `path`. `slot_taken`: somebody else
    has your time. `book`: be the visit of `patient_id` at `option`, instead of `instead_of`. `booked`, `not_booked`,
    `landed`: what became of that. `superseded`: the patient took another time (`origin`) instead of you. `vacate`: give
    your provider to an add-on; `vacated`: done. `leads`: what the visit that you follow, of `series_id`, settled on
    (`actor_id`; none: nobody), in its case of the kind `about`. `lead`: the visit that you follow is out of it, `lead`
    leads now, with these `followers`. `look_again`: the slot that had your time gave it back. `freed`: `actor_id` has
    time now for your `role`.
    """

    word: Literal[
        "open_slot",
        "slot_taken",
        "book",
        "booked",
        "not_booked",
        "landed",
        "superseded",
        "vacate",
        "vacated",
        "leads",
        "lead",
        "look_again",
        "freed",
    ]
    origin: Id
    case_id: Id | None = None
    option: Option | None = None
    service: str = ""
    patient_id: Id | None = None
    actor_id: Id | None = None
    instead_of: Id | None = None
    session_id: Id | None = None
    role: str = PROVIDER
    rule: str = ""
    path: str = ""
    prefer: dict[str, int] = field(default_factory=dict)
    series_id: Id | None = None
    lead: Id | None = None
    followers: tuple[Id, ...] = ()
    about: CaseKind = "cover"
    kind: Literal["passed"] = "passed"


@dataclass(frozen=True)
class Due:
    """Time passed: something on this appointment fell due."""

    kind: Literal["due"] = "due"


Observation = (
    AppointmentSeen
    | AppointmentGone
    | BusySeen
    | Answered
    | TextReceived
    | Reported
    | Written
    | Held
    | NoticeFailed
    | PolledAgain
    | VolumeSeen
    | Acted
    | Requested
    | Announced
    | SeriesSeen
    | Settled
    | Hit
    | Passed
    | Due
)
