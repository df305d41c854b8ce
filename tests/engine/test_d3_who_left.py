"""Whoever leaves on a date is signed in no more from that day on (D3)."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.store.accounts import put_account, session_of, start_session
from tests.engine.house import PRACTICE, House
from tests.engine.incidents import announce


async def test_d3_who_left_is_signed_in_no_more_from_that_day_on(house: House) -> None:
    now = house.clock.at
    account = await put_account(house.owner, PRACTICE, "Ana", "coordinator", now)
    token = await start_session(house.owner, account, now)
    incident = await announce(house, "staff_leaving", now + timedelta(hours=2), now + timedelta(days=900), who="Ana")
    assert await session_of(house.owner, PRACTICE, token, now + timedelta(hours=1)) is not None
    assert await session_of(house.owner, PRACTICE, token, now + timedelta(hours=2)) is None
    await house.owner.execute("update care.incidents set state = 'undone' where incident_id = $1", incident)
    assert await session_of(house.owner, PRACTICE, token, now + timedelta(hours=2)) is not None
