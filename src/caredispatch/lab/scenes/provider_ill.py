"""A therapist is out for a day with seven visits: they say so by text, colleagues are asked once about all of them, and
each visit is covered or before a human (D26, E18, D18)."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.app.directory_file import staff_id
from caredispatch.lab.cast import clients, therapist
from caredispatch.lab.entries import booking
from caredispatch.lab.scenes.player import HOUR, KEEPS, MINUTE, Player, SceneFailed, replies, seconds, settled

ILL, FIRST, SECOND = therapist("Milo"), therapist("Nia"), therapist("Orla")
CLIENTS = clients("child")
OTHER = "another provider"
ANSWERS = {FIRST: replies("with the numbers", "Y 1 2 3 4", 60), SECOND: replies("with the numbers", "y all", 150)}
_ANNOUNCED = "select count(*) from care.incidents where practice_id = $1 and staff_id = $2 and state = 'confirmed'"
_FIRST_ASK = """
select min(k.asked_at) from care.asks k join care.cases c using (practice_id, case_id)
 where k.practice_id = $1 and c.lost_id = $2 and k.purpose = 'cover'
"""


async def provider_ill_scene(player: Player) -> str:
    """Seven visits lose their therapist for a day; six are covered, one client says no."""
    first = await player.workday(days=1, hour=17)
    booked = await _booked(player, first)
    await player.overnight(first - 3 * HOUR - 45 * MINUTE)
    begun = await player.conductor.now()
    await _says_out(player, begun)
    await _colleagues_answer(player, begun)
    for number in booked[:-1]:
        await player.until(number, settled, 3 * HOUR)
    await player.until(booked[-1], lambda v: "patient_declined" in v["exceptions"], 3 * HOUR)
    await _patients_heard(player, begun)
    taken = [(await player.booking(number))["calendarID"] for number in booked]
    if [taken.count(who.calendar) for who in (FIRST, SECOND, ILL)] not in ([4, 2, 1], [3, 3, 1]):
        raise SceneFailed(f"the booking system has the visits in {taken}")
    await player.say(
        f"From 8 on each client is asked to agree: {len(booked) - 1} do, and calendar and EHR are written and read "
        f"back; one does not, and a person has it."
    )
    return "exception"


async def _booked(player: Player, first: datetime) -> list[int]:
    """A visit at every hour, told and confirmed."""
    for client in CLIENTS:
        await player.says(client, replies(OTHER, "N" if client is CLIENTS[-1] else "Y", 30), KEEPS)
    made = [
        await player.world.book(booking(client, ILL, first + timedelta(hours=hour)))
        for hour, client in enumerate(CLIENTS)
    ]
    for number in made:
        await player.until(number, settled, 30 * MINUTE)
    return made


async def _says_out(player: Player, begun: datetime) -> None:
    who = staff_id(player.practice_id, ILL.handle)
    await player.world.script(ILL.address, [replies("reply Y to confirm", "Y", 40)])
    for colleague, answer in ANSWERS.items():
        await player.world.script(colleague.address, [answer])
    await player.texts(ILL.phone, "out today")
    await player.counted(_ANNOUNCED, who, wanted=1, most=5 * MINUTE)
    echo = (await player.texted(ILL.phone, begun))[0]
    if echo.count(" AM") + echo.count(" PM") != len(CLIENTS) + 2:
        raise SceneFailed(f"the echo does not name the {len(CLIENTS)} visits: {echo}")
    await player.say(
        f'{ILL.handle} texts "out today", reads back from when to when and which {len(CLIENTS)} visits, and says Y.'
    )


async def _colleagues_answer(player: Player, begun: datetime) -> None:
    """Each got one text that lists all visits, the first within a minute."""
    who = staff_id(player.practice_id, ILL.handle)
    confirmed_at = await player.conductor.now()
    asked_at = None
    while asked_at is None and await player.conductor.now() < confirmed_at + 5 * MINUTE:
        await player.wait(MINUTE / 6)
        asked_at = await player.connection.fetchval(_FIRST_ASK, player.practice_id, who)
    after = seconds(confirmed_at, asked_at)
    await player.wait_until(confirmed_at + MINUTE)
    texts = {each.handle: await player.texted(each.phone, begun) for each in ANSWERS}
    if not 0 <= after < 60 or any(len(t) != 1 or f"{len(CLIENTS)} visits" not in t[0] for t in texts.values()):
        raise SceneFailed(f"asked after {after} s; what arrived: {texts}")
    names = " and ".join(texts)
    await player.say(f"{after} s later {names} are asked, each with one text that lists all {len(CLIENTS)} visits.")


async def _patients_heard(player: Player, begun: datetime) -> None:
    for client in CLIENTS:
        texts = await player.texted(client.phone, begun)
        said = [text for text in texts if OTHER in text]
        if len(said) != 1 or len(texts) != (1 if client is CLIENTS[-1] else 2):
            raise SceneFailed(f"a client heard {texts}")
