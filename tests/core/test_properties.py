"""Properties of the core: merge converges, casework always ends, nothing goes on after yes, decisions are the same
bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caredispatch.core.eligibility import PREDICATES, Question, judge, rank
from caredispatch.core.facts import Busy, Facts, Hours, PatientFacts, System
from caredispatch.core.ids import Id
from caredispatch.core.merge import merge, represent
from caredispatch.core.observation import Answered, AppointmentSeen, Due, Label
from caredispatch.core.payers import SELF_PAY, Authorisation, Panel, Payers
from caredispatch.core.playbook import AskStep, ServicePolicy, Window
from caredispatch.core.records import Appointment, Case, Participant, State
from tests.core.clinic import (
    ASK_PATIENT,
    ASK_PROVIDER,
    BACKUP,
    BOOKING,
    NO_SYSTEMS,
    START,
    VISIT,
    WITH_EHR,
    cover_path,
    directory,
    playbook,
    policy,
    staff,
)
from tests.core.play import Play, booked, email, minutes, sms

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SETTLE = timedelta(minutes=3)

# -- merge

CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "start_at": st.sampled_from([VISIT, VISIT + minutes(60), VISIT - minutes(120)]),
        "status": st.sampled_from(["booked", "cancelled", "arrived", "noshow"]),
        "actor_provider": st.sampled_from(["ana", "ben", "cleo"]),
        "service": st.sampled_from(["therapy-50", "intake"]),
    },
)


OWNED = {
    "booking": System("booking", owns=("time", "provider", "place")),
    "ehr": System("ehr", owns=("status",)),
}
"""Two systems of which each has the last word on something."""


def versions(changes: list[dict[str, object]], system: str = "booking") -> list[AppointmentSeen]:
    """One copy's observations, in the order of its versions."""
    play = Play()
    for change in changes:
        play.seen(system, mode="first_load", **change)  # type: ignore[arg-type]  # the strategy's keys
    return [e for e, _ in play.decisions if isinstance(e, AppointmentSeen)]


def merged(seen: list[AppointmentSeen], systems: dict[str, System] = NO_SYSTEMS) -> State:
    """The state after some observations."""
    state, people = State(), directory(systems=systems)
    for event in seen:
        found = merge(state, event, people, START, SETTLE)
        if found.link is not None:
            others = tuple(li for li in state.links if li.link_id != found.link.link_id)
            state = State(appointment=found.appointment, links=(*others, found.link))
    return state


def content(state: State) -> dict[str, str]:
    """What the record says."""
    assert state.appointment is not None
    return represent(state.appointment)


@FEW
@given(st.lists(CHANGES, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_seen_twice_or_in_another_order_the_record_is_the_same(
    changes: list[dict[str, object]], random: object
) -> None:
    seen = versions(changes)
    shuffled = seen + seen
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a Random
    assert content(merged(shuffled)) == content(merged(seen))


@FEW
@given(
    st.lists(CHANGES, min_size=1, max_size=4),
    st.lists(CHANGES, min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_copies_in_two_systems_give_the_same_record_whatever_the_order_of_arrival(
    here: list[dict[str, object]], there: list[dict[str, object]], random: object
) -> None:
    booking, ehr = versions(here), versions(there, "ehr")
    shuffled = booking + ehr + booking + ehr
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a Random
    expected = content(merged(booking + ehr, OWNED))
    assert content(merged(shuffled, OWNED)) == expected
    last = {e.connection_id: e.content for e in booking + ehr}
    marks = [m for m in ("fulfilled", "checked-in", "arrived", "noshow") if m in (c["status"] for c in last.values())]
    marks = [m for m in marks if m != "noshow" or last["ehr"]["status"] != "cancelled"]
    assert expected["status"] == (marks[0] if marks else last["ehr"]["status"]), "attendance is whoever's who marks it"
    assert all(expected[key] == last["booking"][key] for key in ("start_at", "end_at", "service", "actor.provider"))


@FEW
@given(st.lists(CHANGES, min_size=1, max_size=5))
def test_the_same_observation_again_has_no_trigger(changes: list[dict[str, object]]) -> None:
    seen = versions(changes)
    state = merged(seen)
    again = merge(state, seen[-1], directory(), START, SETTLE)
    assert again.triggers == ()
    assert again.appointment == state.appointment


# -- casework

LABELS: list[Label] = ["yes", "no", "human", "opt_out", "wrong_number", "reschedule", "crisis"]
PEOPLE = ["ana", "ben", "cleo", "dov", "pat"]
DOINGS = st.one_of(
    st.tuples(st.just("answer"), st.sampled_from(PEOPLE), st.sampled_from(LABELS)),
    st.tuples(st.just("answer"), st.sampled_from(PEOPLE), st.sampled_from(["yes", "no"])),
    st.tuples(st.just("answer"), st.integers(0, 8), st.sampled_from(["yes", "no"])),
    st.tuples(st.just("wait"), st.sampled_from([1, 7, 16, 45, 600, 1500]), st.none()),
    st.tuples(st.just("seen"), CHANGES, st.none()),
    st.tuples(st.just("act"), st.sampled_from(["claim", "resolve", "cancel", "release_claim"]), st.none()),
    st.tuples(st.just("assign"), st.sampled_from(["ana", "ben", "cleo"]), st.none()),
    st.tuples(st.just("busy"), st.sampled_from(["ben", "cleo"]), st.none()),
    st.tuples(st.just("back"), st.sampled_from([5, 90]), st.none()),
)
WORLDS = st.fixed_dictionaries(
    {
        "ehr": st.booleans(),
        "agreement": st.sampled_from(["required", "notice", "none"]),
        "at_once": st.integers(1, 3),
        "urgent": st.booleans(),
        "asks": st.booleans(),
        "calendar_says": st.sampled_from(["all", "failed", "nothing"]),
        "undeliverable": st.lists(st.sampled_from([f"sms:{p}" for p in PEOPLE]), max_size=2, unique=True),
        "unreported": st.lists(st.sampled_from([f"sms:{p}" for p in PEOPLE]), max_size=2, unique=True),
        "hour": st.sampled_from([0, 0, 0, 3, 9, 14, 21]),
        "begins": st.sampled_from(["quietly", "lost", "lost", "clash"]),
    }
)


def world(how: dict[str, object]) -> Play:
    """A practice set up like that."""
    step = AskStep("pool", ("sms", "email"), Window("minutes", 15), at_once=int(str(how["at_once"])))
    book = playbook(
        services={"therapy-50": ServicePolicy(how["agreement"])},  # type: ignore[arg-type]  # one of the three
        cover=cover_path(step, BACKUP, urgent=bool(how["urgent"])),
        booked=ASK_PROVIDER if how["asks"] else playbook().sections["staff"][-1].then,
        to_patient=ASK_PATIENT,
    )
    nurse = staff("dov", roles=("nurse",))
    systems = {**WITH_EHR, "booking": replace(BOOKING, holds_slots=True)} if how["ehr"] else NO_SYSTEMS
    people = directory(*(staff(h) for h in ("ana", "ben", "cleo")), nurse, systems=systems)
    book = replace(book, people={**book.people, "backups": ("dov", "cleo", "ben")})
    return Play(
        policy(book, people),
        now=START + timedelta(hours=int(str(how["hour"]))),
        contacts={p: (sms(p), email(p)) for p in PEOPLE},
        undeliverable=tuple(how["undeliverable"]),  # type: ignore[arg-type]  # texts
        unreported=tuple(how["unreported"]),  # type: ignore[arg-type]  # texts
        calendar_says=str(how["calendar_says"]),
    )


def begun(how: dict[str, object]) -> Play:
    """A visit in that practice: quiet, with ana saying at once that she can't, or with ana taken by another system."""
    play = world(how)
    if how["begins"] == "clash":
        play.busy["ana"] = (Busy(VISIT, VISIT + minutes(50), "external", None, Id("theirs"), "elsewhere"),)
    play.seen()
    if how["begins"] == "lost":
        _answer(play, "ana", "no")
    return play


def do(play: Play, what: str, who: object, label: object) -> None:
    """One thing that happens."""
    match what:
        case "answer":
            _answer(play, who, label)  # type: ignore[arg-type]  # a label
        case "wait":
            play.run(int(str(who)))
        case "seen":
            play.seen(**who)  # type: ignore[arg-type]  # the strategy's keys
        case "act":
            _act(play, str(who))
        case "assign":
            play.act("assign", staff_id=str(who))
        case "busy" if not any(o.resource_id == who for o in play.state.occupations):
            play.busy[str(who)] = (Busy(VISIT, VISIT + minutes(50), "external", None, None, "elsewhere"),)
        case "back":
            play.now -= minutes(int(str(who)))


def _answer(play: Play, who: object, label: Label) -> None:
    """Somebody answers the newest question they got, if they got one; a number stands for any ask ever made."""
    mine = [a for a in play.state.asks if who in (a.person_id, play.state.asks.index(a))]
    if mine:
        play.step(Answered(max(mine, key=lambda a: (a.asked_at, a.ask_id)).ask_id, label, "sms"))


def _act(play: Play, act: str) -> None:
    """A person acts on the first thing in the queue."""
    rows = [e for e in play.state.exceptions if e.state != "resolved"]
    play.act(act, on=rows[0].kind if rows and act != "cancel" else None)  # type: ignore[arg-type]  # an act's name


@FEW
@given(WORLDS, st.lists(DOINGS, max_size=9))
def test_whatever_happens_every_case_ends_and_nothing_goes_on_after_it(
    how: dict[str, object], doings: list[tuple[str, object, object]]
) -> None:
    play = begun(how)
    for what, who, label in doings:
        do(play, what, who, label)
    end = max(play.visit.end_at, play.now) + timedelta(hours=2)
    play.run(until=end)
    assert [c for c in play.state.cases if c.state == "open"] == []
    said = len([s for s in play.said if s.asked])
    play.run(until=end + timedelta(hours=5))
    assert len([s for s in play.said if s.asked]) == said
    for case in play.state.cases:
        assert case.outcome is not None
        if case.state == "handed":
            assert any(e.case_id == case.case_id or e.kind == "probably_cancels" for e in play.state.exceptions), case


@FEW
@given(WORLDS, st.lists(DOINGS, max_size=6))
def test_time_that_has_not_come_changes_nothing(
    how: dict[str, object], doings: list[tuple[str, object, object]]
) -> None:
    play = begun(how)
    for what, who, label in doings:
        do(play, what, who, label)
    state = play.state
    play.now -= timedelta(days=1)
    play.step(Due(), settle=False)
    assert (play.state.cases, play.state.asks, play.state.exceptions) == (state.cases, state.asks, state.exceptions)


def test_the_same_journalled_inputs_give_the_same_bytes_whatever_the_hash_seed() -> None:
    script = (
        "import sys, hashlib, orjson\n"
        "from tests.core.test_properties import long_story\n"
        "sys.stdout.write(hashlib.sha256(long_story()).hexdigest())\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "4242")
    }
    assert len(found) == 1
    assert found != {""}


def long_story() -> bytes:
    """The bytes of every decision of one visit's long story."""
    rules = policy(playbook(to_patient=ASK_PATIENT), directory(systems=WITH_EHR))
    play = booked(rules, answers={"ben": (3, "yes")}).answer("ana", "no").run(5).answer("pat", "no").run(30)
    play.act("assign", staff_id="cleo").seen(start_at=VISIT + minutes(60)).answer("pat", "yes").run(until=VISIT)
    return orjson.dumps([decision for _, decision in play.decisions])


# -- ranking

CROWD = st.lists(
    st.builds(
        lambda n, role, tag, licence, open_at, video: staff(
            f"s{n}",
            roles=(role,),
            tags=(tag,),
            licences={"IL": licence},
            hours=tuple(Hours(d, open_at * 60, 24 * 60, "north") for d in range(7)),
            video=video,
        ),
        st.integers(0, 30),
        st.sampled_from(["therapist", "nurse"]),
        st.sampled_from(["adult", "child"]),
        st.sampled_from(["2026-01-01", "2030-01-01"]),
        st.sampled_from([0, 9, 12]),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda s: s.staff_id,
)


PANELS = {"s1": (Panel("blue", date(2026, 1, 1)),), "s2": (Panel("blue", date(2026, 1, 1), date(2026, 12, 31)),)}
PAYERS = st.sampled_from(
    [
        None,
        Payers(PANELS, ("blue",), (("blue", "therapy-50"),)),
        Payers({}, (), (("", "therapy-50"),)),
    ]
)


def question(
    crowd: list[object],
    state: str | None,
    modality: str,
    pool: str,
    payer: str | None = None,
    kept: Payers | None = None,
) -> Question:
    """A visit that needs one of them."""
    visit = Appointment(
        Id("p"),
        Id("a"),
        Id("s"),
        "booking",
        "therapy-50",
        "north",
        modality,  # type: ignore[arg-type]  # one of the strategy's
        "booked",
        VISIT,
        VISIT + minutes(50),
        START,
        (Participant("patient", "patient", Id("pat")), Participant("provider", "staff", None, "uncovered")),
    )
    prefer = {"continuity": 3, "care_plan": 2, "load": 1}
    case = Case(Id("p"), Id("c"), "cover", Id("a"), "provider", "r", "cover", 1, START, pool=pool, prefer=prefer)
    facts = Facts(
        patient=PatientFacts(tags=("adult",), state=state, payer=payer, authorisations=LEFT if payer == "blue" else ()),
        payers=kept,
        visits_together={"s1": 4, "s2": 9},
        load_minutes={"s3": 600},
        busy={"s4": (Busy(VISIT, VISIT + minutes(30), "leave"),)},
    )
    return Question(visit, case, facts, directory(*crowd))  # type: ignore[arg-type]  # Staff


ASKED = (
    CROWD,
    st.sampled_from([None, "IL", "NY"]),
    st.sampled_from(["in_person", "video"]),
    st.sampled_from(["qualified", "same_care_plan"]),
    st.sampled_from([None, "blue", "green", SELF_PAY]),
    PAYERS,
)
LEFT = (Authorisation("therapy-50", 3),)


@FEW
@given(*ASKED)
def test_everyone_appears_in_the_ranking_with_reasons_that_are_true(
    crowd: list[object], state: str | None, modality: str, pool: str, payer: str | None, kept: Payers | None
) -> None:
    q = question(crowd, state, modality, pool, payer, kept)
    ranked = rank(q)
    assert sorted(c.staff_id for c in ranked) == sorted(q.directory.staff)
    for candidate in ranked:
        person = q.directory.staff[candidate.staff_id]
        for name, predicate in PREDICATES.items():
            verdict = predicate(q, person)
            said = {"no": name, "unknown": f"{name}?"}.get(verdict)
            assert (said in candidate.reasons) if said else not {name, f"{name}?"} & set(candidate.reasons)
        assert (candidate.eligible == "yes") == (candidate.reasons == ())
        assert judge(q, person) == (candidate.eligible, candidate.reasons)


@FEW
@given(*ASKED)
def test_taking_away_somebody_who_may_not_take_it_changes_nothing(
    crowd: list[object], state: str | None, modality: str, pool: str, payer: str | None, kept: Payers | None
) -> None:
    q = question(crowd, state, modality, pool, payer, kept)
    ranked = rank(q)
    for out in (c for c in ranked if c.eligible != "yes"):
        rest = [s for s in q.directory.staff.values() if s.staff_id != out.staff_id]
        if rest:
            without = rank(question(list(rest), state, modality, pool, payer, kept))
            assert without == tuple(c for c in ranked if c.staff_id != out.staff_id)
