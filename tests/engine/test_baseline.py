"""D38: a baseline is frozen once, by one instrument, and the same is used afterwards; on a real database."""

from __future__ import annotations

from datetime import date, timedelta

import asyncpg
import pytest

from caredispatch.app.baseline_file import BaselineFile
from caredispatch.app.baseline_taking import BaselineRefused, freeze_file, freeze_listening, hindrances
from caredispatch.app.directory_file import DirectoryFile
from caredispatch.app.setting_up import import_directory, publish
from caredispatch.core.counting_work import MixedInstruments
from caredispatch.core.happened import Instrument, Noted
from caredispatch.core.ids import make_id
from caredispatch.core.measures import Figure
from caredispatch.engine.registry import Tenant
from caredispatch.lab.scenery import MONDAY, SLUG, therapist
from caredispatch.policy.profiles import profile_text
from caredispatch.store import minutes
from caredispatch.store.measuring import baseline, baselines, figures
from caredispatch.store.pages import in_practice
from tests.engine.house import PRACTICE, House, practice

FIRST, LAST = date(2027, 1, 11), date(2027, 1, 12)
MINUTES = Figure("coordinator_minutes", date(2026, 12, 1), "North", "", 95.5, 7)
SETTLED = Figure("settled_seconds", date(2026, 12, 2), "North", "therapy-50", 400, 2, (40, 360))
READ = BaselineFile((MINUTES, SETTLED), ())


async def _listening(house: House) -> Tenant:
    """All stages off since before the first day, and nothing is written."""
    people = tuple(therapist(h) for h in ("Ana", "Ben"))
    parsed = practice(house.world.url, 25, people).model_dump(by_alias=True)
    for each in parsed["connections"].values():
        each |= {"writes": False, "creates": False}
    await import_directory(house.owner, house.vault, SLUG, DirectoryFile.model_validate(parsed), MONDAY)
    await house.owner.execute("delete from care.playbooks")
    await house.owner.execute("update care.practices set playbook_version = 0")
    text = profile_text("behavioral-health").replace(": shadow", ": off").replace(": live", ": off")
    await publish(house.owner, SLUG, text, "test", MONDAY - timedelta(days=1))
    await house.registry.refresh()
    tenant = house.registry.by_slug(SLUG)
    assert tenant is not None
    return tenant


async def _note(house: House, by: Instrument, spent: float, *, hours: int = 0) -> None:
    noted = Noted(MONDAY + timedelta(hours=hours), spent, by)
    await minutes.note(house.owner, PRACTICE, "dana", noted, MONDAY + timedelta(hours=hours))


async def test_d38_a_file_is_frozen_with_its_instrument_and_read_back_as_it_was(house: House) -> None:
    made = await freeze_file(house.owner, PRACTICE, READ, "tally", "", MONDAY)
    async with in_practice(house.pools.web, PRACTICE) as connection:
        found = await baseline(connection, PRACTICE)
    assert found == made
    assert (found.number, found.figures, found.instrument, found.frozen_at) == (1, READ.figures, "tally", MONDAY)
    assert (found.first_day, found.last_day) == (date(2026, 12, 1), date(2026, 12, 2))


async def test_d38_minutes_without_their_instrument_are_refused(house: House) -> None:
    with pytest.raises(BaselineRefused, match="--instrument tally or --instrument prompts"):
        await freeze_file(house.owner, PRACTICE, READ, "", "", MONDAY)


async def test_a_second_baseline_says_why_and_the_first_stays_readable(house: House) -> None:
    await freeze_file(house.owner, PRACTICE, READ, "tally", "", MONDAY)
    with pytest.raises(BaselineRefused, match="there is a baseline already"):
        await freeze_file(house.owner, PRACTICE, READ, "tally", "", MONDAY)
    await freeze_file(house.owner, PRACTICE, READ, "tally", "the first had half the sites", MONDAY)
    assert [b.number for b in await baselines(house.owner, PRACTICE)] == [1, 2]


async def test_a_frozen_baseline_is_changed_by_nobody_not_even_by_the_owner(house: House) -> None:
    await freeze_file(house.owner, PRACTICE, READ, "tally", "", MONDAY)
    for change in (
        "update care.baselines set instrument = ''",
        "delete from care.baselines",
        "truncate care.baselines",
    ):
        with pytest.raises(asyncpg.RaiseError, match="frozen"):
            await house.owner.execute(change)


async def test_d38_a_baseline_by_another_instrument_than_what_is_noted_since_is_refused(house: House) -> None:
    await _note(house, "prompts", 30)
    with pytest.raises(BaselineRefused, match="since are noted by prompts, and this baseline's are by tally"):
        await freeze_file(house.owner, PRACTICE, READ, "tally", "", MONDAY + timedelta(hours=1))


async def test_d38_days_with_two_instruments_are_no_baseline(house: House) -> None:
    tenant = await _listening(house)
    await _note(house, "prompts", 30)
    await _note(house, "tally", 12, hours=1)
    with pytest.raises(MixedInstruments):
        await freeze_listening(house.owner, tenant, FIRST, LAST, "", MONDAY + timedelta(days=2))


async def test_days_of_listening_are_frozen_with_what_was_counted(house: House) -> None:
    tenant = await _listening(house)
    await _note(house, "tally", 36)
    made = await freeze_listening(house.owner, tenant, FIRST, LAST, "", MONDAY + timedelta(days=2))
    async with in_practice(house.pools.web, PRACTICE) as connection:
        counted = await figures(connection, PRACTICE, FIRST, LAST)
    assert made.figures == tuple(counted)
    assert (made.source, made.instrument) == ("listening", "tally")
    assert sum(f.amount for f in made.figures if f.measure == "coordinator_minutes") == 36


async def test_days_that_are_not_over_are_no_baseline(house: House) -> None:
    tenant = await _listening(house)
    with pytest.raises(BaselineRefused, match="2027-01-12 is not over yet"):
        await freeze_listening(house.owner, tenant, FIRST, LAST, "", MONDAY + timedelta(days=1))


async def test_listening_is_with_every_stage_off_and_nothing_written(house: House) -> None:
    tenant = house.registry.by_slug(SLUG)
    assert tenant is not None
    found = await hindrances(house.owner, tenant, FIRST, LAST)
    assert any(line.startswith("stage dispatch_routing was live at North on 2027-01-11") for line in found), found
    assert any(line.startswith("connection acuity is written to: set `writes: false`") for line in found), found
    assert "nothing was published before 2027-01-10" in await hindrances(house.owner, tenant, date(2027, 1, 10), LAST)
    assert await hindrances(house.owner, await _listening(house), FIRST, LAST) == []


async def test_a_stage_that_goes_live_in_between_ends_the_listening(house: House) -> None:
    tenant = await _listening(house)
    live = profile_text("behavioral-health").replace(": shadow", ": live")
    await publish(house.owner, SLUG, live, "test", MONDAY + timedelta(days=3))
    assert await hindrances(house.owner, tenant, FIRST, LAST) == []
    found = await hindrances(house.owner, tenant, FIRST, date(2027, 1, 15))
    assert any("on 2027-01-14" in line for line in found), found


async def test_a_tally_that_is_begun_is_counted_once_and_ended_once(house: House) -> None:
    assert await minutes.begin(house.owner, PRACTICE, "dana", "North", MONDAY) is None
    assert await minutes.begin(house.owner, PRACTICE, "dana", "North", MONDAY + timedelta(minutes=1)) == MONDAY
    assert await minutes.noted_since(house.owner, PRACTICE, MONDAY) == [], "it goes on"
    assert await minutes.end(house.owner, PRACTICE, "dana", MONDAY + timedelta(minutes=12)) == 12
    assert await minutes.end(house.owner, PRACTICE, "dana", MONDAY + timedelta(minutes=13)) is None
    assert await minutes.noted_since(house.owner, PRACTICE, MONDAY) == [("dana", Noted(MONDAY, 12, "tally", "North"))]
    assert await minutes.instrument_in_use(house.owner, PRACTICE) == "tally"


async def test_d38_the_baselines_instrument_is_the_one_in_use(house: House) -> None:
    assert await minutes.instrument_in_use(house.owner, PRACTICE) == ""
    await freeze_file(house.owner, PRACTICE, READ, "prompts", "", MONDAY)
    assert await minutes.instrument_in_use(house.owner, PRACTICE) == "prompts"


async def test_pages_read_a_baseline_of_their_practice_and_write_none(house: House) -> None:
    await freeze_file(house.owner, PRACTICE, READ, "tally", "", MONDAY)
    async with in_practice(house.pools.web, make_id("practice", "another")) as connection:
        assert await baseline(connection, PRACTICE) is None
    for table in ("baselines", "coordinator_minutes"):
        async with in_practice(house.pools.web, PRACTICE) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"insert into care.{table} (practice_id) values ($1)", PRACTICE)
