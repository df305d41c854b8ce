"""Making appointments in Acuity, against the outside world's server: our id in the notes, once, and over nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from caredispatch.contract.manifest import load_build, load_manifest
from caredispatch.contract.outcome import Conflict, Delivered, Refused, Unknown
from caredispatch.contract.seen import Busy, SeenPatient
from caredispatch.contract.verbs import Slot, Wanted, WantedHold
from caredispatch.core.content import instant_of
from tests.connectors.kits.acuity import APPOINTMENT, KIT, NEW
from tests.connectors.kits.acuity import good as usual
from tests.connectors.peer import Asked, Reply, as_json, calling, peering
from tests.connectors.test_acuity import BOOKING
from tests.connectors.worlds import Stage, staging

OURS = NEW.appointment_id
OTHERS = "7d0f8f4e-0000-5000-8000-000000000002"
PAULA = SeenPatient(given="Paula", family="Testperson", phone="+15550111", email="paula@example.org")
NOTED = Wanted(OURS, {**NEW.content, "note": "confirmed 2026-11-24T15:00:00Z"}, patient=PAULA)
AT = instant_of(NEW.content["start_at"])
LINE = f"caredispatch: {OURS}"


async def notes_of(stage: Stage, external_id: str) -> str:
    """The notes as people see them there."""
    held = (await stage.world.state())["acuity"]["appointments"]
    found: str = next(row for row in held if str(row["id"]) == external_id)["notes"]
    return found


async def made(stage: Stage, wanted: Wanted = NOTED) -> tuple[Any, str]:
    """The connector, and what it made."""
    acuity = stage.connector("acuity")
    end = await acuity.write(wanted)
    assert isinstance(end, Delivered), end
    assert end.external_id
    return acuity, end.external_id


async def test_a_create_reads_back_as_wanted_and_carries_our_id_in_acuitys_notes() -> None:
    assert load_manifest("acuity").creates
    async with staging() as stage:
        acuity, external_id = await made(stage)
        seen = await acuity.fetch(external_id)
        assert seen.content == {**NOTED.content, "end_at": "2026-11-25T17:50:00Z"}
        assert (seen.ours, seen.free_text, seen.patient) == (OURS, None, PAULA)
        assert await notes_of(stage, external_id) == f"{LINE}\ncaredispatch: {NOTED.content['note']}"
        [asked] = await stage.asked("POST", "/appointments")
        assert sorted(asked["query"].split("&")) == ["admin=true", "noEmail=true"]
        assert not [e for e in await stage.world.log() if e["kind"] == "vendor_mail"]
        got = await acuity.busy(["2"], AT, AT.replace(hour=18))
        assert isinstance(got, Busy)
        assert [(b.external_id, b.ours) for b in got.blocks] == [(external_id, OURS)]


async def test_acuity_writes_to_the_client_where_the_practice_wants_it() -> None:
    async with staging() as stage:
        assert isinstance(await stage.connector("acuity", client_emails="yes").write(NOTED), Delivered)
        assert [e["what"] for e in await stage.world.log() if e["kind"] == "vendor_mail"] == ["scheduled"]


async def test_no_name_or_number_of_a_client_stands_in_an_address() -> None:
    async with staging() as stage:
        await made(stage)
        for entry in await stage.world.log():
            place = f"{entry.get('path')}?{entry.get('query')}"
            assert not [word for word in ("Paula", "Testperson", "5550111", "paula@") if word in place]


async def test_e21_a_create_without_an_answer_is_looked_for_before_it_is_made_again() -> None:
    async with staging() as stage:
        acuity = stage.connector("acuity")
        await stage.world.fault("acuity", "drop", path_regex="/appointments", method="POST")
        assert isinstance(await acuity.write(NOTED), Unknown)
        found = await acuity.write(NOTED)
        assert isinstance(found, Delivered)
        assert len(await stage.asked("POST", "/appointments")) == 1
        elsewhere = Wanted(OURS, {**NOTED.content, "actor.provider": "1"}, patient=PAULA)
        assert await acuity.write(elsewhere) == found, (
            "found in whichever calendar, and given to the one that is wanted"
        )
        assert (await acuity.fetch(found.external_id)).content["actor.provider"] == "1"
        assert len((await stage.world.state())["acuity"]["appointments"]) == 1


async def test_what_was_made_without_an_answer_and_then_cancelled_there_is_not_made_again() -> None:
    async with staging() as stage:
        acuity, external_id = await made(stage)
        await stage.world.act("acuity", "cancel", {"id": int(external_id)})
        assert await acuity.write(NOTED) == Delivered(external_id)
        assert (await acuity.fetch(external_id)).content["status"] == "cancelled"


async def test_a_visit_that_ended_before_it_was_made_is_not_made() -> None:
    ended = replace(NEW, content={**NEW.content, "status": "cancelled"})
    async with staging() as stage:
        assert await stage.connector("acuity").write(ended) == Delivered()
        assert not await stage.asked("POST", "/appointments")
        acuity, external_id = await made(stage)
        assert await acuity.write(ended) == Delivered(external_id)
        assert (await acuity.fetch(external_id)).content["status"] == "cancelled"


async def test_time_that_somebody_else_has_is_refused_though_an_administrator_could_take_it() -> None:
    block = {"calendarID": 2, "start": "2026-11-25T10:30:00-0700", "end": "2026-11-25T11:00:00-0700", "notes": "Leave"}
    async with staging() as stage:
        await stage.world.book({**BOOKING, "calendarID": 2, "datetime": "2026-11-25T09:30:00-0700"})
        end = await stage.connector("acuity").write(NOTED)
        assert (type(end), end.code) == (Refused, "not_available")
    async with staging(acuity={"blocks": [block]}) as stage:
        assert (await stage.connector("acuity").write(NOTED)).code == "not_available"
        assert not await stage.asked("POST", "/appointments")


async def test_what_only_touches_the_time_or_is_cancelled_or_anothers_is_not_in_the_way() -> None:
    async with staging() as stage:
        for calendar, at in ((2, "09:10"), (2, "10:50"), (1, "10:00")):
            await stage.world.book({**BOOKING, "calendarID": calendar, "datetime": f"2026-11-25T{at}:00-0700"})
        gone = await stage.world.book({**BOOKING, "calendarID": 2})
        await stage.world.act("acuity", "cancel", {"id": gone})
        await made(stage)


async def test_d19_time_held_for_the_visit_is_free_to_it_and_held_for_another_it_is_not() -> None:
    slot = Slot("2", AT, AT.replace(minute=50))
    async with staging() as stage:
        acuity = stage.connector("acuity")
        await acuity.hold(WantedHold(OTHERS, (slot,)))
        assert (await acuity.write(NOTED)).code == "not_available"
        await acuity.hold(WantedHold(OTHERS, (), (slot,)))
        await acuity.hold(WantedHold(OURS, (slot,)))
        await made(stage)
        assert await acuity.hold(WantedHold(OURS, (), (slot,))) == Delivered()


@pytest.mark.parametrize(
    ("rows", "size", "code"),
    [
        ([{"id": 1}, {"id": 2}], 8, None),
        ([{"id": 1}, {"id": 2}], 2, "not_available"),
        ([{"id": 1}, {"id": 2, "appointmentTypeID": 11}], 8, "not_available"),
        ([{"id": 1, "datetime": "2026-11-25T10:10:00-0700"}], 8, "not_available"),
    ],
)
async def test_d1_a_class_takes_as_many_clients_as_it_has_places(rows: Any, size: int, code: str | None) -> None:
    def behave(asked: Asked) -> Reply:
        if asked.path.endswith("/appointment-types"):
            return as_json([{"id": 10, "duration": 50, "type": "class", "classSize": size}])
        if asked.method == "GET" and asked.path.endswith("/appointments"):
            return as_json([{**APPOINTMENT, "calendarID": 2, **row} for row in rows])
        return usual(asked)

    async with peering(behave) as peer, calling() as http:
        end: Any = await load_build("acuity")(KIT.settings(peer.url), http).write(NOTED)  # type: ignore[attr-defined]  # it writes
        assert getattr(end, "code", None) == code


async def test_what_is_missing_for_a_create_is_said_before_anything_is_sent() -> None:
    def with_(**content: str) -> Wanted:
        named = {key.replace("_p", ".p"): value for key, value in content.items()}
        return replace(NOTED, content={**NOTED.content, **named})

    bare = {key: value for key, value in NOTED.content.items() if key != "service"}
    refused = {
        "incomplete": replace(NOTED, content=bare),
        "bad_type": with_(service="intake"),
        "bad_calendar": with_(actor_provider="ben"),
        "bad_note": with_(note="two\nlines"),
        "status_not_held": with_(status="arrived"),
        "client_unnamed": replace(NOTED, patient=SeenPatient(family="Testperson", phone="+15550111")),
        "invalid_appointment_type": with_(service="99"),
    }
    async with staging() as stage:
        acuity = stage.connector("acuity")
        for code, each in refused.items():
            end = await acuity.write(each)
            assert isinstance(end, Refused), code
            assert end.code == code
        assert (await acuity.write(replace(NOTED, patient=None))).code == "client_unnamed"
        assert not await stage.asked("POST", "/appointments")


@pytest.mark.parametrize(
    ("notes", "ours", "note", "theirs"),
    [
        (f"Rings twice.\r\n  {LINE}  \r\nGate code at the desk.", OURS, None, "Rings twice.\nGate code at the desk."),
        (f"Asked for {LINE}, see desk", OURS, None, f"Asked for {LINE}, see desk"),
        (f"caredispatch: confirmed x\nBring a list.\n{LINE}", OURS, "confirmed x", "Bring a list."),
        (f"{LINE}\ncaredispatch: {OTHERS}", None, None, None),
        (f"caredispatch: held for {OURS}", None, f"held for {OURS}", None),
        (LINE[:-1], None, LINE[14:-1], None),
    ],
)
async def test_e5_our_id_is_known_again_whatever_people_write_around_it(
    notes: str, ours: str | None, note: str | None, theirs: str | None
) -> None:
    async with peering(lambda asked: as_json({**APPOINTMENT, "notes": notes})) as peer, calling() as http:
        seen: Any = await load_build("acuity")(KIT.settings(peer.url), http).fetch("54001")  # type: ignore[attr-defined]  # it reads
        assert (seen.ours, seen.content.get("note"), seen.free_text) == (ours, note, theirs)


async def test_a_confirmation_leaves_our_id_and_peoples_words_where_they_are() -> None:
    async with staging() as stage:
        acuity, external_id = await made(stage, NEW)
        await stage.world.act(
            "acuity", "amend", {"id": int(external_id), "notes": f"Rings twice.\n{LINE}\nBring a list."}
        )
        assert isinstance(await acuity.write(replace(NOTED, external_id=external_id)), Delivered)
        after = f"Rings twice.\n{LINE}\nBring a list.\ncaredispatch: {NOTED.content['note']}"
        assert await notes_of(stage, external_id) == after
        assert (await acuity.fetch(external_id)).ours == OURS


async def test_a_type_that_we_changed_is_refused_and_one_that_merely_differs_is_left() -> None:
    async with staging() as stage:
        acuity, external_id = await made(stage)
        seen = (await acuity.fetch(external_id)).content
        other = Wanted(OURS, {**NOTED.content, "service": "11"}, external_id, seen=seen)
        assert (await acuity.write(other)).code == "type_not_changeable"
        assert await acuity.write(replace(other, seen={**seen, "service": "11"})) == Delivered(external_id)
        moved = Wanted(
            OURS, {"actor.provider": "2", "service": "10"}, external_id, seen={**seen, "actor.provider": "1"}
        )
        assert not isinstance(await acuity.write(moved), Conflict)
