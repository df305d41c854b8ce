"""D19, D21, D24, D31: who of the waitlist is offered a freed time, how, and why the others are not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st

from caredispatch.core.facts import Busy, Facts, PatientFacts, Waiting
from caredispatch.core.ids import Id
from caredispatch.core.playbook import AUTO, AskStep, Window
from caredispatch.core.records import Appointment, Case, Participant, Request
from caredispatch.core.waitlist import PREDICATES, Opening, judge, may_take, rank
from caredispatch.rehearsal.facts import SOMEBODY
from tests.core.clinic import VISIT, at, directory, staff
from tests.core.play import email, minutes, sms
from tests.core.town import Town
from tests.core.waiting_list import FRONT_DESK, freed, offered, rules, slot_of, three_wait, waits

# -- who may be offered it


def test_d24_who_is_human_only_or_has_no_mobile_is_on_the_call_list_and_a_phone_yes_books() -> None:
    people = {"pat-1": replace(SOMEBODY, human_only=True), "pat-2": SOMEBODY}
    contacts = {"pat-2": (email("pat-2"),)}
    town = three_wait(patients=people, contacts=contacts)
    calls = town.open("call")
    assert sorted((c.detail["need"], c.detail["person"], c.owner) for c in calls) == [
        ("offer_slot", "pat-1", "front_desk"),
        ("offer_slot", "pat-2", "front_desk"),
    ]
    assert town.outside.blocked[slot_of(town).appointment_id, "booking"], "it is held while somebody phones"
    town.run(5).answer("pat-1", "yes", via="phone", by="noor")
    assert slot_of(town).patient_id == "pat-1"
    assert not town.open("call")


def test_d21_an_offer_is_no_urgent_thing_and_waits_for_the_morning() -> None:
    town = Town(rules(), now=at(4, 21))
    waits(town, "pat-1")
    freed(town).run(60)
    assert town.texts("pat-1") == []
    town.run(until=at(5, 8, 1))
    assert town.texts("pat-1") == ["offer_slot"]


def test_d19_at_night_whoever_is_awake_is_offered_it_first() -> None:
    away = sms("pat-2", time_zone="Asia/Tokyo")
    town = Town(rules(), now=at(4, 21), contacts={"pat-2": (away,)})
    waits(town, "pat-1", since=at(1, 1))
    waits(town, "pat-2", since=at(2, 1))
    freed(town).run(1)
    assert (town.texts("pat-1"), town.texts("pat-2")) == ([], ["offer_slot"])


def test_d21_whoever_was_asked_as_often_as_allowed_is_not_offered_it() -> None:
    town = Town(rules())
    waits(town, "pat-1")
    town.counters["pat-1", "asks_week", "2027-W01"] = 3
    freed(town).run(1)
    assert town.texts("pat-1") == []


def test_d19_a_paused_or_snoozed_case_asks_nobody_and_its_deadlines_go_on() -> None:
    town = three_wait().run(1)
    slot = slot_of(town).appointment_id
    [case] = town.cases("fill")
    town.states[slot] = replace(town.states[slot], cases=(replace(case, paused=True),))
    town.answer("pat-1", "no").run(30)
    assert offered(town) == [(0, "pat-1"), (0, "pat-2")]
    assert [a.state for a in town.states[slot].asks if a.person_id == "pat-2"] == ["expired"]
    town.answer("pat-2", "yes")
    assert slot_of(town).patient_id == "pat-2", "a yes counts all the same"


def test_d31_for_whom_a_person_comes_first_a_person_phones() -> None:
    people = {"pat-1": replace(SOMEBODY, automation="human_first")}
    town = Town(rules(), patients=people)
    waits(town, "pat-1")
    freed(town)
    assert [c.detail["person"] for c in town.open("call")] == ["pat-1"]


def test_d19_auto_asks_as_many_at_once_as_the_time_left_demands() -> None:
    auto = AskStep("waitlist", ("sms",), Window("minutes", 10), at_once=AUTO)
    near = Town(rules(auto, FRONT_DESK), now=VISIT - minutes(33))
    far = Town(rules(auto, FRONT_DESK), now=VISIT - minutes(118))
    for town in (near, far):
        for n in range(4):
            waits(town, f"pat-{n + 1}")
        freed(town)
    assert len([1 for _, who in near.asked if who.startswith("pat")]) == 2
    assert len([1 for _, who in far.asked if who.startswith("pat")]) == 1


# -- everybody in the list, with reasons


def test_d19_everybody_on_the_list_appears_with_what_speaks_against_them() -> None:
    town = Town(rules())
    waits(town, "pat-1", days=(0, 1))
    waits(town, "pat-2", begin=11 * 60)
    waits(town, "pat-3", providers=("ben",))
    waits(town, "pat-4", modalities=("video",))
    waits(town, "pat-5", ready=False)
    waits(town, "pat-6", service="intake")
    waits(town, "pat-7", offers_most=0)
    waits(town, "pat-8", sites=("east",))
    town.patients["pat-9"] = PatientFacts(excluded_staff=("ana",))  # type: ignore[index, arg-type]  # an Id
    waits(town, "pat-9")
    waits(town, "pat-10", days=(2,), begin=10 * 60, end=11 * 60, providers=("ana",), sites=("north",))
    freed(town).run(1)
    assert [who for _, who in town.asked if who.startswith("pat")] == ["pat-10"]
    ranked = next(d.trace.candidates for _, _, d in reversed(town.decisions) if d.trace.candidates)
    why = {c.staff_id: c.reasons for c in ranked}
    assert why == {
        "pat-1": ("wants_other_day",),
        "pat-2": ("wants_other_hours",),
        "pat-3": ("wants_other_provider",),
        "pat-4": ("wants_other_modality",),
        "pat-5": ("not_ready",),
        "pat-7": ("offers_used_up",),
        "pat-8": ("wants_other_site",),
        "pat-9": ("excluded",),
        "pat-10": (),
    }


# -- the ranking, whatever the list

TUESDAY = at(5, 10)
ENTRIES = st.lists(
    st.tuples(
        st.sampled_from([(), (1,), (2, 4)]),
        st.sampled_from([None, 9 * 60, 10 * 60 + 30]),
        st.sampled_from([(), ("north",), ("east",)]),
        st.sampled_from([(), ("ana",), ("ben",)]),
        st.sampled_from([0, 60, 2 * 24 * 60]),
        st.booleans(),
        st.integers(0, 3),
        st.integers(0, 20),
        st.sampled_from([(), ("adult",)]),
        st.sampled_from([None, "IL", "NY"]),
        st.sampled_from([None, at(5, 9), at(7, 9)]),
    ),
    max_size=8,
)


def _waiting(n: int, of: tuple[Any, ...]) -> Waiting:
    days, begin, sites, providers, notice, ready, offers, weeks, tags, state, later = of
    request = Request(
        since=at(4, 9) - minutes(weeks * 7 * 24 * 60 + n),
        not_before=at(4, 0),
        until=at(20, 0),
        days=days,
        begin=begin,
        sites=sites,
        providers=providers,
        notice_minutes=notice,
        ready=ready,
        offers_most=2,
    )
    patient = PatientFacts(tags=tags, state=state, excluded_staff=(Id("ana"),) if n % 5 == 4 else ())
    return Waiting(Id(f"e{n}"), Id(f"p{n}"), "therapy-50", "north", request, patient, offers, later)


def _opening(entries: list[tuple[Any, ...]], modality: Literal["in_person", "video"]) -> Opening:
    slot = Appointment(
        practice_id=Id("practice"),
        appointment_id=Id("slot"),
        session_id=Id("session"),
        source="caredispatch",
        service="therapy-50",
        location="north",
        modality=modality,
        status="proposed",
        start_at=TUESDAY,
        end_at=TUESDAY + minutes(50),
        created_at=at(4, 9),
        participants=(Participant("provider", "staff", Id("ana"), "tentative"),),
    )
    case = Case(
        practice_id=slot.practice_id,
        case_id=Id("case"),
        kind="fill",
        appointment_id=slot.appointment_id,
        role="slot",
        rule="",
        path="fill",
        playbook_version=1,
        opened_at=at(4, 9),
        due_at=at(4, 9),
        prefer={"longest_wait": 2, "care_plan": 5, "continuity": 3},
    )
    facts = Facts(
        waiting=tuple(_waiting(n, of) for n, of in enumerate(entries)),
        busy={"p1": (Busy(at(5, 10, 30), at(5, 11), "booked"),)},
        visits_together={"p0": 2, "p3": 40},
    )
    return Opening(slot, case, facts, directory(staff("ana")), at(4, 9), offered=(Id("e2"),), limited=(Id("p3"),))


def _expected(opening: Opening, entry: Waiting) -> dict[str, bool | None]:
    """Each reason, worked out in another way: True speaks against, None is not known."""
    request, n = entry.request, int(entry.appointment_id[1:])
    licence: bool | None = False
    if opening.slot.modality == "video":
        licence = None if entry.patient.state is None else entry.patient.state != "IL"
    return {
        "wants_other_day": request.days == (2, 4),
        "wants_other_hours": request.begin == 630,
        "wants_other_site": request.sites == ("east",),
        "wants_other_provider": request.providers == ("ben",),
        "has_earlier": entry.later_at == at(5, 9),
        "short_notice": request.notice_minutes == 2880,
        "not_ready": not request.ready,
        "offers_used_up": entry.offered >= 2 and n != 2,
        "excluded": n % 5 == 4,
        "licence": licence,
        "patient_busy": n == 1,
        "already_offered": n == 2,
        "limit": n == 3,
    }


@given(ENTRIES, st.sampled_from(["in_person", "video"]))
def test_d19_everybody_on_the_list_is_ranked_with_reasons_that_are_true(
    entries: list[tuple[Any, ...]], modality: Literal["in_person", "video"]
) -> None:
    opening = _opening(entries, modality)
    ranked = rank(opening)
    waiting = {e.appointment_id: e for e in opening.facts.waiting}
    assert sorted(c.handle for c in ranked) == sorted(waiting)
    for candidate in ranked:
        entry = waiting[Id(candidate.handle)]
        expected = _expected(opening, entry)
        said = [name if against else f"{name}?" for name, against in expected.items() if against is not False]
        assert sorted(candidate.reasons) == sorted(said)
        assert (candidate.eligible, candidate.reasons) == judge(opening, entry)
        assert candidate.staff_id == entry.patient_id
        weeks = (opening.now - entry.request.since) // (minutes(7 * 24 * 60))
        together = {"p0": 2, "p3": 10}.get(entry.patient_id, 0)
        assert candidate.score == 2 * min(weeks, 10) + 5 * len(entry.patient.tags) + 3 * together
        if candidate.eligible == "yes":
            assert may_take(opening, entry)
    assert set(PREDICATES) >= set(_expected(opening, _waiting(0, SOME)))


@given(ENTRIES)
def test_d19_of_equals_the_longest_waiting_is_first(entries: list[tuple[Any, ...]]) -> None:
    opening = _opening(entries, "in_person")
    since = {e.appointment_id: e.request.since for e in opening.facts.waiting}
    order = {"yes": 0, "unknown": 1, "no": 2}
    keys = [(order[c.eligible], -c.score, since[Id(c.handle)], c.handle) for c in rank(opening)]
    assert keys == sorted(keys)


SOME = ((), None, (), (), 0, True, 0, 0, (), None, None)
