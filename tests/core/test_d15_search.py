"""D15: what a search offers is legal by a slow look at every rule anew, spread out, aligned to duty, right on the days
when the clock changes, and quick."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caredispatch.core.eligibility import Question, judge
from caredispatch.core.facts import Busy, Facts, Hours, PatientFacts, Room
from caredispatch.core.fitting import Search, bounds
from caredispatch.core.ids import Id
from caredispatch.core.playbook import Offer
from caredispatch.core.records import OURS, PATIENT, PROVIDER, Appointment, Case, Option, Participant, Request
from caredispatch.core.searching import best_of_each, search
from tests.core.clinic import START, at, staff
from tests.core.requests import ROOMS, people, works

CHICAGO = ZoneInfo("America/Chicago")
PAT = PatientFacts(tags=("adult",), state="IL")


def visit(request: Request, service: str = "therapy-50") -> Appointment:
    """A visit that has no time yet."""
    return Appointment(
        Id("practice"), Id("new"), Id("s-new"), OURS, service, "north", "in_person", "proposed",
        request.until - timedelta(minutes=50), request.until, START,
        (Participant(PATIENT, "patient", Id("pat")),), request=request,
    )  # fmt: skip


def case(**prefer: int) -> Case:
    """The case that looks for its time."""
    return Case(
        Id("practice"), Id("c"), "place", Id("new"), "slot", "rule", "place", 1, START, pool="qualified", prefer=prefer
    )  # fmt: skip


def sought(
    request: Request | None = None,
    *,
    directory: object = None,
    busy: object = None,
    now: datetime = START,
    **more: object,
) -> Search:
    """A search among three therapists, unless said otherwise."""
    wish = request or Request(now, now, now + timedelta(days=14))
    facts = Facts(patient=PAT, busy=busy or {})  # type: ignore[arg-type]  # busy time by person
    return Search(visit(wish), case(), wish, facts, directory or people(), now, **more)  # type: ignore[arg-type]  # fields


def legal(asked: Search, option: Option) -> bool:
    """Every rule looked at once more, minute by minute and without any of the search's arithmetic."""
    directory, request = asked.directory, asked.request
    service = directory.services[asked.visit.service]
    probe = replace(asked.visit, start_at=option.start_at, end_at=option.end_at, location=option.location,
                    modality=option.modality)  # fmt: skip
    question = Question(probe, replace(asked.case, role=PROVIDER), asked.facts, directory)
    begin, end = bounds(request, asked.now)
    tz = ZoneInfo(directory.locations[option.location].time_zone)
    first, last = option.start_at.astimezone(tz), option.end_at.astimezone(tz)
    patient = asked.facts.busy.get("pat", ())
    return (
        judge(question, directory.staff[option.provider_id])[0] == "yes"
        and begin <= option.start_at
        and option.end_at <= end
        and option.end_at - option.start_at == timedelta(minutes=service.minutes)
        and (not request.days or first.weekday() in request.days)
        and (request.begin is None or first.hour * 60 + first.minute >= request.begin)
        and (request.end is None or last.hour * 60 + last.minute <= request.end)
        and (not request.providers or option.provider_id in request.providers)
        and not any(b.start_at < option.end_at and option.start_at < b.end_at for b in patient)
        and _room_free(asked, option)
    )


def _room_free(asked: Search, option: Option) -> bool:
    service = asked.directory.services[asked.visit.service]
    if not service.needs_room:
        return option.room_id is None
    room = asked.directory.rooms[option.room_id or ""]
    taken = asked.facts.busy.get(room.room_id, ())
    return room.kind == service.needs_room and not any(
        b.start_at < option.end_at and option.start_at < b.end_at for b in taken
    )


STRETCHES = st.builds(
    lambda day, minute, length, kind: Busy(
        at(4, 0) + timedelta(days=day, minutes=minute), at(4, 0) + timedelta(days=day, minutes=minute + length), kind
    ),
    st.integers(0, 13),
    st.integers(0, 24 * 60),
    st.integers(1, 600),
    st.sampled_from(["booked", "leave", "external"]),
)
REQUESTS = st.builds(
    lambda days, begin, length, providers, notice, until: Request(
        START,
        START,
        START + timedelta(days=until),
        days=tuple(sorted(days)),
        begin=begin,
        end=None if begin is None else begin + length,
        providers=tuple(Id(p) for p in sorted(providers)),
        notice_minutes=notice,
    ),
    st.sets(st.integers(0, 6), max_size=3),
    st.one_of(st.none(), st.integers(6 * 60, 16 * 60)),
    st.integers(30, 480),
    st.sets(st.sampled_from(["ana", "ben"]), max_size=2),
    st.sampled_from([0, 60, 3000]),
    st.integers(0, 20),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    REQUESTS,
    st.dictionaries(st.sampled_from(["ana", "ben", "cleo", "pat", "r1", "r2"]), st.lists(STRETCHES, max_size=12)),
    st.booleans(),
    st.integers(1, 5),
)
def test_d15_whatever_is_offered_is_legal_and_far_apart(
    request: Request, taken: dict[str, list[Busy]], rooms: bool, most: int
) -> None:
    directory = people(rooms=ROOMS, needs_room="quiet" if rooms else "")
    busy = {who: tuple(blocks) for who, blocks in taken.items()}
    asked = sought(request, directory=directory, busy=busy, offer=Offer(most))
    found = search(asked)
    options = [o.option for o in found.openings]
    assert len(options) <= most
    assert [o for o in options if not legal(asked, o)] == []
    assert all(
        abs(a.start_at - b.start_at) >= timedelta(hours=1) for n, a in enumerate(options) for b in options[n + 1 :]
    )
    assert search(asked) == found
    assert found.openings or found.blocked
    for one in best_of_each(asked).openings:
        assert legal(asked, one.option)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["ana", "pat"]), st.lists(STRETCHES, max_size=14)))
def test_d15_nothing_earlier_is_overlooked(taken: dict[str, list[Busy]]) -> None:
    """The first time of a search is the first of all on the grid that is legal."""
    busy = {who: tuple(blocks) for who, blocks in taken.items()}
    asked = sought(directory=people(works("ana")), busy=busy, offer=Offer(1))
    found = search(asked).openings
    grid = (START + timedelta(minutes=5 * n) for n in range(14 * 24 * 12))
    options = (Option(s, s + timedelta(minutes=50), Id("ana"), "north", "in_person") for s in grid)
    first = next((o for o in options if legal(asked, o)), None)
    assert [o.option for o in found] == ([first] if first else [])


def test_d15_starts_are_aligned_to_duty_in_steps_of_five_minutes() -> None:
    odd = works("ana", hours=(Hours(1, 9 * 60 + 3, 12 * 60, "north"),))
    busy = {"ana": (Busy(at(5, 9, 3), at(5, 9, 20), "booked"),)}
    found = search(sought(directory=people(odd), busy=busy)).openings
    assert found[0].option.start_at == at(5, 9, 23)


def test_d15_buffers_keep_their_distance_to_what_is_booked() -> None:
    crowd = people(works("ana"))
    services = {
        **crowd.services,
        "therapy-50": replace(crowd.services["therapy-50"], buffer_before=10, buffer_after=10),
    }
    busy = {"ana": (Busy(at(4, 9), at(4, 12), "booked"), Busy(at(4, 13, 15), at(4, 17), "booked"))}
    found = search(sought(directory=replace(crowd, services=services), busy=busy)).openings
    assert found[0].option.start_at == at(4, 12, 10)


@pytest.mark.parametrize(
    ("day", "walls"),
    [
        (datetime(2027, 3, 14), ["00:00", "01:00", "03:00", "04:00"]),  # two o'clock does not exist
        (datetime(2027, 11, 7), ["00:00", "01:00", "01:00", "02:00", "03:00", "04:00"]),  # one o'clock comes twice
    ],
)
def test_promise_10_on_the_days_when_the_clock_changes_times_are_those_of_the_wall(
    day: datetime, walls: list[str]
) -> None:
    night = staff("ana", hours=(Hours(6, 0, 5 * 60, "north"),))
    begin = day.replace(tzinfo=CHICAGO).astimezone(UTC)
    now = begin - timedelta(days=1)
    asked = sought(Request(now, begin, begin + timedelta(hours=20)), directory=people(night), now=now, offer=Offer(9))
    options = [o.option for o in search(asked).openings]
    assert [o.start_at.astimezone(CHICAGO).strftime("%H:%M") for o in options] == walls
    assert [o for o in options if not legal(asked, o)] == []


def test_d14_an_offer_by_video_or_at_another_site_is_what_it_says() -> None:
    licences = {"IL": "2030-01-01", "NY": "2030-01-01"}
    both = works("ana", hours=(*works("ana").hours, Hours(2, 540, 1020, "east")), licences=licences)
    crowd = people(both)
    assert {o.option.modality for o in search(sought(directory=crowd, offer=Offer(modality="video"))).openings} == {
        "video"
    }
    assert {o.option.location for o in search(sought(directory=crowd, offer=Offer(other_site=True))).openings} == {
        "east"
    }
    mine = search(sought(offer=Offer(own_provider=True), own=Id("cleo"))).openings
    assert {o.option.provider_id for o in mine} == {"cleo"}


def test_d15_fifty_staff_over_two_weeks_are_searched_whole() -> None:
    rooms = tuple(Room(Id(f"r{n}"), f"r{n}", "quiet", "north") for n in range(20))
    crowd = people(*(works(f"p{n}") for n in range(50)), rooms=rooms, needs_room="quiet")
    busy = {
        f"p{n}": tuple(Busy(at(4 + d, 9 + 2 * k), at(4 + d, 10 + 2 * k), "booked") for d in range(12) for k in range(4))
        for n in range(50)
    }
    found = search(sought(directory=crowd, busy=busy))
    assert (found.people, len(found.openings)) == (50, 3)
