"""D5: who speaks for a patient, with which rights and until when; a system's word, the practice's word, and staff
numbers that nobody was reached at yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from caredispatch.app.directory_file import staff_id
from caredispatch.app.setting_up import import_directory
from caredispatch.contract.seen import SeenReply
from caredispatch.core.facts import ContactFacts
from caredispatch.core.ids import Id
from caredispatch.core.replies import Reply
from caredispatch.engine.hearing import resolve
from caredispatch.engine.understanding import Report
from caredispatch.lab.scenery import SLUG
from caredispatch.store.contacts import unverified
from caredispatch.store.deciding import in_hand
from caredispatch.store.factual import read
from caredispatch.store.identities import Identity, Record, Related
from caredispatch.store.needing import Need
from caredispatch.store.people import patient_keys
from tests.engine.house import PRACTICE, House, practice, visit

CHILD = Identity(external_id="Patient/child", given="Cora", family="Smallmadeup", email="cora@example.org")
MOTHER = Related("parent", "+15550146001", None, "es", ("told", "confirm", "cancel"))
CARER = Related("carer", "+15550146002")


async def _keep(house: House, *contacts: Related, told_by: str = "ehr", child: Identity = CHILD) -> str:
    async with house.pools.intake.acquire() as connection, connection.transaction():
        identity = replace(child, record=Record(contacts=contacts))
        [key] = await patient_keys(connection, house.vault, PRACTICE, told_by, [identity], house.clock.at)
    assert key is not None
    return key


async def _contacts(house: House, patient: str, today: date | None = None) -> list[ContactFacts]:
    """What a decision may know of how they are reached."""
    async with house.pools.decide.acquire() as connection, connection.transaction():
        await in_hand(connection, PRACTICE)
        at = house.clock.at
        wanted = {patient: Need(people={patient}, patient_id=patient)}
        known = await read(connection, PRACTICE, wanted, at, {}, today or at.date(), timedelta())
    return known.contacts.get(patient, [])


async def test_d5_a_guardian_may_confirm_and_cancel_and_a_carer_is_told_only(house: House) -> None:
    patient = await _keep(house, MOTHER, CARER)
    own, mother, carer = await _contacts(house, patient)
    assert (own.own, mother.own, carer.own) == (True, False, False)
    assert mother.rights == ("told", "confirm", "cancel")
    assert mother.language == "es"
    assert carer.rights == ("told",)


async def test_d5_rights_end_with_their_last_day(house: House) -> None:
    last = house.clock.at.date() + timedelta(days=3)
    patient = await _keep(house, replace(MOTHER, until=last))
    assert len(await _contacts(house, patient, last)) == 2
    assert len(await _contacts(house, patient, last + timedelta(days=1))) == 1


async def test_d5_whoever_the_record_names_no_more_has_no_rights_left_and_gets_them_back_when_named_again(
    house: House,
) -> None:
    patient = await _keep(house, MOTHER)
    await _keep(house)
    assert [c.own for c in await _contacts(house, patient)] == [True]
    await _keep(house, replace(MOTHER, rights=("told",)))
    assert [c.rights for c in await _contacts(house, patient) if not c.own] == [("told",)]


async def test_d5_the_practices_word_about_rights_stands_against_a_systems(house: House) -> None:
    patient = await _keep(house, replace(MOTHER, rights=("told",)), told_by="import")
    assert await _keep(house, MOTHER) == patient
    await _keep(house)
    rows = await house.owner.fetch("select rights from care.contact_people where relation = 'parent'")
    assert {tuple(row[0]) for row in rows} == {("told",)}


async def test_d5_a_number_that_is_the_patients_own_stays_theirs(house: House) -> None:
    child = replace(CHILD, phone=MOTHER.phone)
    patient = await _keep(house, MOTHER, child=child)
    assert [(c.channel, c.own) for c in await _contacts(house, patient)] == [("sms", True), ("email", True)]


async def test_d5_one_number_speaks_for_two_children_each_with_its_own_rights(house: House) -> None:
    brother = Identity(external_id="Patient/brother", given="Bert", family="Smallmadeup")
    first = await _keep(house, MOTHER)
    second = await _keep(house, replace(MOTHER, rights=("told",)), child=brother)
    mine = [c for c in await _contacts(house, first) if not c.own]
    [his] = await _contacts(house, second)
    assert mine[0].contact_id == his.contact_id
    assert (mine[0].rights, his.rights) == (("told", "confirm", "cancel"), ("told",))


async def test_d5_practice_yaml_says_who_speaks_for_a_patient(house: House) -> None:
    parsed = practice("http://127.0.0.1:9", 25, ()).model_dump(by_alias=True)
    parsed["patients"] = [
        {
            "given": "Cora",
            "family": "Smallmadeup",
            "email": "cora@example.org",
            "contacts": [
                {"relation": "guardian", "phone": "(312) 555-0146", "until": "2030-01-01"},
                {"relation": "carer", "email": "Carer@Example.org", "rights": ["told", "confirm"]},
            ],
        }
    ]
    model = type(practice("http://127.0.0.1:9", 25, ()))
    await import_directory(house.owner, house.vault, SLUG, model.model_validate(parsed), house.clock.at)
    rows = await house.owner.fetch(
        "select relation, rights, rights_until, told_by from care.contact_people where told_by = 'import' "
        "and relation <> 'self' order by 1"
    )
    assert [tuple(row) for row in rows] == [
        ("carer", ["told", "confirm"], None, "import"),
        ("guardian", ["told", "confirm", "cancel"], date(2030, 1, 1), "import"),
    ]


async def test_d5_a_staff_number_is_verified_once_a_text_arrives_there_or_an_answer_comes_from_it(house: House) -> None:
    ana, ben = staff_id(PRACTICE, "Ana"), staff_id(PRACTICE, "Ben")
    assert {(ana, "sms"), (ben, "sms")} <= set(await unverified(house.owner, PRACTICE))
    await house.push(visit())
    await house.work()
    text = next(t for t in await house.texts() if t["to"] == "+15550130001")
    assert text
    connected = house.registry.connected(PRACTICE, "sms")
    ben_says = Report(SeenReply("+15550130002", "who is this", "m-1"))
    async with house.pools.intake.acquire() as connection, connection.transaction():
        await house.engine.noticer.understanding.arrived(connection, connected, [ben_says])
    left = await unverified(house.owner, PRACTICE)
    assert (ben, "sms") not in left
    assert (ana, "sms") in left, "taken by the carrier is not arrived"


async def test_d4_the_state_of_their_record_counts_unless_the_practice_says_another(house: House) -> None:
    async def state() -> str | None:
        async with house.pools.decide.acquire() as connection, connection.transaction():
            await in_hand(connection, PRACTICE)
            wanted = {patient: Need(people={patient}, patient_id=patient)}
            known = await read(connection, PRACTICE, wanted, house.clock.at, {}, house.clock.at.date(), timedelta())
        return known.patients[patient].state

    async def told(state: str | None) -> str:
        async with house.pools.intake.acquire() as connection, connection.transaction():
            child = replace(CHILD, record=Record(state=state))
            [key] = await patient_keys(connection, house.vault, PRACTICE, "ehr", [child], house.clock.at)
        return key or ""

    patient = await told(None)
    assert await state() is None
    await told("IL")
    assert await state() == "IL"
    await told("WI")
    assert await state() == "WI"
    await house.owner.execute("update care.patients set state = 'NY' where patient_id = $1", patient)
    assert await state() == "NY"


def test_d5_an_answer_by_a_number_that_two_questions_carry_goes_to_a_person() -> None:
    asks = [("a-1", "v-1", 1, False), ("a-2", "v-2", 1, False)]
    subject, body = resolve(Reply("yes", number=1), asks, ("c", "p"), Id("t"), "sms")
    assert (subject, getattr(body, "label", None)) == ("c", "human")
    subject, body = resolve(Reply("yes"), asks, ("c", "p"), Id("t"), "sms")
    assert (subject, getattr(body, "label", None)) == ("c", "yes"), "a bare yes is asked back"
