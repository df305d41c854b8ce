"""Acuity's own ways, against the outside world's server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caredispatch.connectors.acuity.wire import with_note
from caredispatch.contract.manifest import load_build
from caredispatch.contract.outcome import Conflict, Delivered, Gone, Refused, Unknown
from caredispatch.contract.seen import Busy, SeenAppointment
from caredispatch.contract.verbs import Page, Slot, Wanted, WantedHold
from caredispatch.lab.world.client import WorldRefused
from tests.connectors.kits import NOW
from tests.connectors.kits.acuity import APPOINTMENT
from tests.connectors.peer import Asked, Reply, as_json, calling, peering
from tests.connectors.worlds import Stage, staging

OURS = "7d0f8f4e-0000-5000-8000-000000000001"
BOOKING: dict[str, Any] = {
    "appointmentTypeID": 10,
    "calendarID": 1,
    "datetime": "2026-11-25T10:00:00-0700",
    "firstName": "Paula",
    "lastName": "Testperson",
    "email": "paula@example.org",
    "phone": "+15550111",
}
AT = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)


def wanted(external_id: str | None, seen: dict[str, str] | None = None, **content: str) -> Wanted:
    """A write; `actor_provider` is the key `actor.provider`."""
    return Wanted(OURS, {key.replace("_p", ".p"): value for key, value in content.items()}, external_id, seen=seen)


async def test_another_provider_keeps_the_time_and_the_client_is_not_written_to() -> None:
    async with staging() as stage:
        acuity = stage.connector("acuity")
        booked = str(await stage.world.book(BOOKING))
        before = await acuity.fetch(booked)
        assert await acuity.write(wanted(booked, before.content, actor_provider="2")) == Delivered(booked)
        after = await acuity.fetch(booked)
        assert after.content == {**before.content, "actor.provider": "2"}
        assert not [e for e in await stage.world.log() if e["kind"] == "vendor_mail"]


async def test_several_differences_are_made_in_one_order_and_twice_is_once() -> None:
    async with staging() as stage:
        acuity = stage.connector("acuity")
        booked = str(await stage.world.book({**BOOKING, "notes": "Rings twice."}))
        both = Wanted(
            OURS,
            {
                "actor.provider": "2",
                "start_at": "2026-11-25T18:00:00Z",
                "note": "confirmed 2026-11-24T15:00:00Z",
                "status": "cancelled",
                "service": "99",
            },
            booked,
        )
        assert await acuity.write(both) == Delivered(booked)
        assert await acuity.write(both) == Delivered(booked)
        puts = [e["path"].rpartition(f"/{booked}")[2] for e in await stage.asked("PUT", "/appointments/")]
        assert puts == ["/reschedule", "", "/cancel"]
        after = await acuity.fetch(booked)
        assert after.content["start_at"] == "2026-11-25T18:00:00Z"
        assert after.content["end_at"] == "2026-11-25T18:50:00Z"
        assert after.content["status"] == "cancelled"
        assert after.content["note"] == "confirmed 2026-11-24T15:00:00Z"
        assert after.free_text == "Rings twice."
        assert after.initiator is None


@pytest.mark.parametrize(("initiator", "who"), [("patient", "client"), ("practice", "practice")])
async def test_a_cancellation_says_whose_it_was(initiator: Any, who: str) -> None:
    async with staging() as stage:
        acuity = stage.connector("acuity")
        booked = str(await stage.world.book(BOOKING))
        end = await acuity.write(Wanted(OURS, {"status": "cancelled"}, booked, initiator=initiator))
        assert isinstance(end, Delivered)
        [sent] = await stage.asked("PUT", "/cancel")
        assert sent["body"]["cancelNote"] == f"Cancelled by the {who}."


async def test_what_somebody_changed_meanwhile_is_a_conflict_and_stays() -> None:
    async with staging() as stage:
        acuity = stage.connector("acuity")
        booked = str(await stage.world.book(BOOKING))
        seen = (await acuity.fetch(booked)).content
        moved = {"datetime": "2026-11-25T12:00:00-0700", "id": int(booked)}
        await stage.world.act("acuity", "reschedule", moved)
        assert isinstance(await acuity.write(wanted(booked, seen, actor_provider="2")), Conflict)
        assert not await stage.asked("PUT", "/appointments/")


async def test_a_taken_time_is_refused_by_its_code() -> None:
    async with staging() as stage:
        acuity = stage.connector("acuity")
        booked = str(await stage.world.book(BOOKING))
        await stage.world.book({**BOOKING, "calendarID": 2})
        end = await acuity.write(wanted(booked, actor_provider="2"))
        assert isinstance(end, Refused)
        assert end.code == "not_available"
        as_admin = stage.connector("acuity", reschedule_as_admin="yes")
        assert await as_admin.write(wanted(booked, actor_provider="2")) == Delivered(booked)


async def test_what_acuity_cannot_do_is_refused_before_anything_is_sent() -> None:
    async with staging() as stage:
        acuity = stage.connector("acuity")
        booked = str(await stage.world.book(BOOKING))
        refused = {
            "status_not_held": wanted(booked, status="arrived"),
            "bad_calendar": wanted(booked, actor_provider="ana"),
            "bad_note": wanted(booked, note="two\nlines"),
            "bad_id": wanted("../me", status="cancelled"),
            "not_found": wanted("999", status="cancelled"),
        }
        for code, each in refused.items():
            end = await acuity.write(each)
            assert isinstance(end, Refused), code
            assert end.code == code
        await acuity.write(wanted(booked, status="noshow"))
        assert (await acuity.fetch(booked)).content["status"] == "noshow"
        for status in ("booked", "cancelled"):
            assert (await acuity.write(wanted(booked, status=status))).code == "cannot_uncancel"
        assert len(await stage.asked("PUT", "/appointments/")) == 1
        assert isinstance(await acuity.fetch("999"), Gone)


async def test_a_poll_sees_the_cancelled_and_only_the_window() -> None:
    async with staging() as stage:
        acuity = stage.connector("acuity")
        for day in (-3, 0, 30, 90):
            at = (NOW + timedelta(days=day, hours=2)).strftime("%Y-%m-%dT%H:%M:%S+0000")
            await stage.world.book({**BOOKING, "datetime": at})
        cancelled = await stage.world.book({**BOOKING, "datetime": "2026-11-26T10:00:00-0700"})
        await stage.world.act("acuity", "cancel", {"id": cancelled})
        page = await acuity.poll(None, NOW)
        assert isinstance(page, Page)
        assert page.complete
        seen = [each for each in page.seen if isinstance(each, SeenAppointment)]
        assert sorted(each.content["status"] for each in seen) == ["booked", "booked", "cancelled"]
        assert all(each.patient is not None for each in seen)


async def test_busy_is_appointments_and_blocks_that_touch_the_time() -> None:
    block = {"id": 9, "calendarID": 1, "start": "2026-11-25T10:30:00-0700", "end": "2026-11-25T18:00:00-0700"}
    async with staging(acuity={"blocks": [block]}) as stage:
        acuity = stage.connector("acuity")
        mine = str(await stage.world.book({**BOOKING, "calendarID": 1, "datetime": "2026-11-25T09:30:00-0700"}))
        await stage.world.book({**BOOKING, "calendarID": 2, "datetime": "2026-11-25T13:00:00-0700"})
        got = await acuity.busy(["1", "2"], AT, AT + timedelta(hours=1))
        assert isinstance(got, Busy)
        assert [(b.actor, b.external_id) for b in got.blocks] == [("1", mine), ("1", "block:9")]


BEN = Slot("2", AT, AT + timedelta(minutes=50))
ANA = Slot("1", AT, AT + timedelta(minutes=50))
HELD = WantedHold(OURS, (BEN,), until=AT - timedelta(hours=2))
FREE = WantedHold(OURS, (), (BEN,))


async def blocks(stage: Stage) -> list[tuple[int, str]]:
    """What is blocked: calendar and notes."""
    return [(b["calendarID"], b["notes"]) for b in (await stage.world.state())["acuity"]["blocks"]]


async def test_held_time_is_blocked_says_whose_and_until_when_and_a_client_is_refused_it() -> None:
    async with staging() as stage:
        acuity = stage.connector("acuity")
        assert await acuity.hold(HELD) == Delivered()
        assert await blocks(stage) == [(2, f"caredispatch: held for {OURS} until 2026-11-25T15:00:00Z")]
        with pytest.raises(WorldRefused, match="not available"):
            await stage.world.book({**BOOKING, "calendarID": 2})
        got = await acuity.busy(["2"], AT, AT + timedelta(hours=1))
        assert isinstance(got, Busy)
        assert [(b.actor, b.ours) for b in got.blocks] == [("2", OURS)]


async def test_held_twice_is_one_block_and_freed_twice_is_none() -> None:
    async with staging() as stage:
        acuity = stage.connector("acuity")
        assert [await acuity.hold(each) for each in (HELD, HELD, FREE, FREE)] == [Delivered()] * 4
        assert await blocks(stage) == []
        assert len(await stage.asked("POST", "/blocks")) == len(await stage.asked("DELETE", "/blocks/")) == 1
        await stage.world.book({**BOOKING, "calendarID": 2})


async def test_a_block_without_an_answer_is_read_back_before_another_is_made() -> None:
    async with staging() as stage:
        acuity = stage.connector("acuity")
        await stage.world.fault("acuity", "drop", path_regex="/blocks", method="POST")
        assert isinstance(await acuity.hold(HELD), Unknown)
        assert await acuity.hold(HELD) == Delivered()
        assert len(await blocks(stage)) == 1


async def test_other_peoples_blocks_and_those_of_another_visit_stay() -> None:
    other = WantedHold("7d0f8f4e-0000-5000-8000-000000000002", (ANA, BEN))
    leave = {"calendarID": 2, "start": "2026-11-25T08:00:00-0700", "end": "2026-11-25T18:00:00-0700", "notes": "Leave"}
    async with staging(acuity={"blocks": [leave]}) as stage:
        acuity = stage.connector("acuity")
        for each in (other, HELD, FREE):
            assert await acuity.hold(each) == Delivered()
        assert [who for who, _ in await blocks(stage)] == [2, 1, 2]
        assert await acuity.hold(WantedHold(other.appointment_id, (), (ANA, BEN))) == Delivered()
        assert await blocks(stage) == [(2, "Leave")]


async def test_another_candidate_and_another_time_take_the_place_of_the_first() -> None:
    later = Slot("1", AT + timedelta(days=40), AT + timedelta(days=40, minutes=50))
    async with staging() as stage:
        acuity = stage.connector("acuity")
        await acuity.hold(HELD)
        assert await acuity.hold(WantedHold(OURS, (later,), (BEN,))) == Delivered()
        [(calendar, note)] = await blocks(stage)
        assert (calendar, note) == (1, f"caredispatch: held for {OURS}")


async def test_a_calendar_that_is_no_number_is_refused_before_anything_is_sent() -> None:
    async with staging() as stage:
        acuity = stage.connector("acuity")
        end = await acuity.hold(WantedHold(OURS, (Slot("ben", AT, AT + timedelta(minutes=50)),)))
        assert isinstance(end, Refused)
        assert end.code == "bad_calendar"
        assert not await stage.asked("POST", "/blocks")


async def test_a_full_answer_is_asked_for_again_in_halves_and_a_full_day_is_refused() -> None:
    def behave(asked: Asked) -> Reply:
        days = dict(asked.query)
        rows = [{**APPOINTMENT, "id": n + 1} for n in range(int(days["max"]))]
        whole = days["minDate"] != days["maxDate"]
        if whole:
            return as_json(rows)
        one = days["minDate"].endswith(("-25", "-26"))
        return as_json([{**APPOINTMENT, "id": int(days["minDate"][-2:])}] if one else [])

    async with peering(behave) as peer, calling() as http:
        settings = {"base_url": peer.url, "user_id": "77", "api_key": "k"}
        page: Any = await load_build("acuity")(settings, http).poll(None, NOW)  # type: ignore[attr-defined]  # it polls
        days = [d for asked in peer.asked if (d := dict(asked.query))["minDate"] == d["maxDate"]]
        assert len(days) == len({d["minDate"] for d in days}) == 62
        assert len(page.seen) == 4
        peer.behave = lambda asked: as_json([APPOINTMENT] * int(dict(asked.query)["max"]))
        end: Any = await load_build("acuity")(settings, http).poll(None, NOW)  # type: ignore[attr-defined]  # as above
        assert isinstance(end, Refused)
        assert end.code == "too_many"


@pytest.mark.parametrize(
    ("notes", "own", "after"),
    [
        (
            f"Rings twice.\ncaredispatch: {OURS}\ncaredispatch: a",
            "x",
            f"Rings twice.\ncaredispatch: {OURS}\ncaredispatch: x",
        ),
        ("", "x", "caredispatch: x"),
        ("Rings twice.", "x", "Rings twice.\ncaredispatch: x"),
        ("caredispatch: a\nRings twice.\ncaredispatch: b", "x", "Rings twice.\ncaredispatch: x"),
        ("Rings twice.\ncaredispatch: a", "", "Rings twice."),
        ("said caredispatch: a", "x", "said caredispatch: a\ncaredispatch: x"),
    ],
)
def test_our_line_is_the_only_one_that_changes(notes: str, own: str, after: str) -> None:
    assert with_note(notes, own) == after


@pytest.mark.parametrize(("setting", "who"), [("unknown", None), ("client", "patient"), ("practice", "practice")])
async def test_d9_who_cancels_there_is_what_the_practice_says_of_it_for_acuity_says_nothing(
    setting: str, who: str | None
) -> None:
    async with staging() as stage:
        acuity = stage.connector("acuity", cancelled_by=setting)
        booked = await stage.world.book(BOOKING)
        assert (await acuity.fetch(str(booked))).initiator is None
        await stage.world.act("acuity", "cancel", {"id": booked})
        assert (await acuity.fetch(str(booked))).initiator == who
        listed = await acuity.poll(None, NOW)
        assert [(s.external_id, s.initiator) for s in listed.seen] == [(str(booked), who)]


async def test_who_cancels_there_is_one_of_three_words() -> None:
    async with staging() as stage:
        with pytest.raises(ValueError, match=r"cancelled_by.*unknown, client, practice"):
            stage.connector("acuity", cancelled_by="staff")
