"""Numbers and addresses: whose they are, with which rights (D5), and whether one was ever reached. The address itself
is in the vault. Under `caredispatch_intake`, or as the owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from caredispatch.core.ids import make_id
from caredispatch.store.identities import FULL, Identity, Record, Related, Relation, Right
from caredispatch.store.pools import Connection
from caredispatch.store.vault import Vault

IMPORT, FACTS_FILE = "import", "facts"
"""Who tells what a practice's own files say: no other system's word stands against it."""


@dataclass(frozen=True, slots=True)
class _Reach:
    """One number or address of or for one person."""

    person: str
    channel: str
    address: str
    language: str
    time_zone: str
    consent: str | None = None
    relation: Relation = "self"
    rights: tuple[Right, ...] = FULL
    until: date | None = None


def _own(people: Mapping[str, Identity]) -> list[_Reach]:
    """Everybody's own numbers and addresses."""
    return [
        _Reach(person, channel, address, i.language or "en", i.time_zone, i.consent if channel == "sms" else None)
        for person, i in people.items()
        for channel, address in (("sms", i.phone), ("email", i.email))
        if address
    ]


def _others(person: str, identity: Identity, contacts: tuple[Related, ...]) -> list[_Reach]:
    """The numbers and addresses of who speaks for a patient. One that the patient has as well is the patient's."""
    mine = {identity.phone, identity.email}
    return [
        _Reach(
            person,
            channel,
            address,
            c.language or identity.language or "en",
            identity.time_zone,
            None,
            c.relation,
            c.rights,
            c.until,
        )
        for c in contacts
        for channel, address in (("sms", c.phone), ("email", c.email))
        if address and address not in mine
    ]


async def keep_own(
    connection: Connection,
    vault: Vault,
    practice_id: str,
    told_by: str,
    patients: Mapping[str, Identity],
    now: datetime,
) -> None:
    """Keep the patients' own numbers and addresses, as one connection told them."""
    await _keep(connection, vault, practice_id, "patient", _own(patients), now, told_by)


async def keep_related(
    connection: Connection,
    vault: Vault,
    practice_id: str,
    told_by: str,
    patients: Mapping[str, Identity],
    now: datetime,
) -> None:
    """Keep who speaks for patients whose record was read whole. Whoever the same system named before and names no more
    has no rights left."""
    wanted: dict[tuple[str, str], _Reach] = {}
    for person, identity in patients.items():
        for reach in _others(person, identity, (identity.record or Record()).contacts):
            wanted.setdefault((person, _contact_id(vault, practice_id, reach)), reach)
    rows = await connection.fetch(
        "select person_id, contact_id, relation, rights, rights_until from care.contact_people "
        "where practice_id = $1 and person_id = any($2) and told_by = $3 and relation <> 'self'",
        practice_id,
        sorted(patients),
        told_by,
    )
    known = {(row[0], row[1]): (row[2], tuple(row[3]), row[4]) for row in rows}
    news = [r for key, r in wanted.items() if known.get(key) != (r.relation, r.rights, r.until)]
    if news:
        await vault.data_keys(connection, practice_id, sorted({r.person for r in news}))
        await _keep(connection, vault, practice_id, "patient", news, now, told_by)
    gone = sorted(key for key, (_, rights, _) in known.items() if key not in wanted and rights)
    if gone:
        await connection.execute(
            "update care.contact_people l set rights = '{}' from unnest($2::uuid[], $3::uuid[]) g(person, contact) "
            "where l.practice_id = $1 and l.person_id = g.person and l.contact_id = g.contact",
            practice_id,
            [key[0] for key in gone],
            [key[1] for key in gone],
        )


async def is_reached(connection: Connection, practice_id: str, contact_id: str) -> None:
    """A text arrived at a staff member's number, or an answer came from it: it is theirs (D5)."""
    await connection.execute(
        "update care.contacts c set verified = true where c.practice_id = $1 and c.contact_id = $2 and not c.verified "
        "and exists (select from care.contact_people l where l.practice_id = $1 and l.contact_id = $2 "
        "and l.person_kind = 'staff')",
        practice_id,
        contact_id,
    )


async def unverified(connection: Connection, practice_id: str) -> list[tuple[str, str]]:
    """The staff members' numbers and addresses that nothing ever arrived at: (staff, channel)."""
    rows = await connection.fetch(
        "select l.person_id, c.channel from care.contact_people l join care.contacts c using (practice_id, contact_id) "
        "where l.practice_id = $1 and l.person_kind = 'staff' and not c.verified order by l.person_id, c.channel",
        practice_id,
    )
    return [(row[0], row[1]) for row in rows]


async def keep_staff_contacts(
    connection: Connection, vault: Vault, practice_id: str, staff: dict[str, Identity], now: datetime
) -> None:
    """Keep the numbers and addresses of staff members (staff id -> identity), as the owner. One that is told anew takes
    the place of the one before; one that isn't told stays."""
    await vault.data_keys(connection, practice_id, staff)
    links = await _keep(connection, vault, practice_id, "staff", _own(staff), now)
    gone = await connection.fetch(
        "delete from care.contact_people l using care.contacts c "
        "where l.practice_id = $1 and c.practice_id = $1 and c.contact_id = l.contact_id and l.person_kind = 'staff' "
        "and exists (select from unnest($2::uuid[], $3::text[]) t(person, channel) "
        "where t.person = l.person_id and t.channel = c.channel) "
        "and not exists (select from unnest($2::uuid[], $4::uuid[]) t(person, contact) "
        "where t.person = l.person_id and t.contact = l.contact_id) returning l.person_id, l.contact_id",
        practice_id,
        [person for _, person, _ in links],
        [channel for _, _, channel in links],
        [contact_id for contact_id, _, _ in links],
    )
    await connection.execute(
        "delete from vault.identities i using unnest($2::uuid[], $3::uuid[]) g(person, contact) "
        "where i.practice_id = $1 and i.person_id = g.person and i.contact_id = g.contact",
        practice_id,
        [row[0] for row in gone],
        [row[1] for row in gone],
    )


async def keep_stranger(
    connection: Connection, vault: Vault, practice_id: str, channel: str, address: str, now: datetime
) -> tuple[str, str]:
    """Keep a number or address that belongs to nobody we know, so that it can be answered (D23). Returns (contact,
    person)."""
    person = make_id("stranger", practice_id, vault.key.hash(channel, address).hex())
    identity = Identity(phone=address) if channel == "sms" else Identity(email=address)
    await vault.data_keys(connection, practice_id, [person])
    links = await _keep(connection, vault, practice_id, "patient", _own({person: identity}), now)
    return links[0][0], person


async def put_consent(connection: Connection, practice_id: str, person_id: str, said: str, now: datetime) -> None:
    """Record that somebody agreed to automated texts: source and wording (`said`) with every number of theirs, or of a
    parent or guardian (D21)."""
    await connection.execute(
        "update care.contacts c set consent = $3, consent_at = $4 from care.contact_people l "
        "where l.practice_id = $1 and l.person_id = $2 and c.practice_id = $1 and c.contact_id = l.contact_id "
        "and c.channel = 'sms' and l.relation <> 'carer' and c.consent is distinct from $3",
        practice_id,
        person_id,
        said,
        now,
    )


def _contact_id(vault: Vault, practice_id: str, reach: _Reach) -> str:
    return make_id("contact", practice_id, vault.key.hash(reach.channel, reach.address).hex())


# What a practice's own file says counts against every system; whoever reads a number as their own keeps it.
_LINK = """
insert into care.contact_people (practice_id, contact_id, person_kind, person_id, told_at, told_by, relation, rights,
    rights_until)
select $1, c, $2, p, $3, $4, r, string_to_array(g, ','), u
  from unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::date[]) as t(c, p, r, g, u)
on conflict (practice_id, person_id, contact_id) do update
   set relation = excluded.relation, rights = excluded.rights, rights_until = excluded.rights_until,
       told_by = excluded.told_by
 where (excluded.told_by in ('import', 'facts') or (coalesce(care.contact_people.told_by, '') not in ('import', 'facts')
        and care.contact_people.relation <> 'self' and excluded.relation <> 'self'))
   and (care.contact_people.relation, care.contact_people.rights, care.contact_people.rights_until,
        care.contact_people.told_by)
       is distinct from (excluded.relation, excluded.rights, excluded.rights_until, excluded.told_by)
"""


async def _keep(
    connection: Connection,
    vault: Vault,
    practice_id: str,
    kind: str,
    reaches: list[_Reach],
    now: datetime,
    told_by: str | None = None,
) -> list[tuple[str, str, str]]:
    """One contact row per number or address; the same number of two patients is one contact (D5). Returns (contact,
    person, channel)."""
    links: dict[tuple[str, str], _Reach] = {}
    for reach in reaches:
        links.setdefault((_contact_id(vault, practice_id, reach), reach.person), reach)
    if not links:
        return []
    found = {contact_id: reach for (contact_id, _), reach in reversed(links.items())}
    keys = await vault.known_keys(connection, practice_id, {reach.person for reach in found.values()})
    ids = sorted(found)
    rows = [found[i] for i in ids]
    await connection.execute(
        "insert into care.contacts (practice_id, contact_id, channel, language, time_zone, preference, consent, "
        "consent_at) select $1, c, ch, l, z, case ch when 'sms' then 0 else 1 end, s, "
        "case when s is not null then $7::timestamptz end "
        "from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]) as t(c, ch, l, z, s) "
        "on conflict (practice_id, contact_id) do update set consent = excluded.consent, "
        "consent_at = excluded.consent_at where care.contacts.consent is null and excluded.consent is not null",
        practice_id,
        ids,
        [r.channel for r in rows],
        [r.language for r in rows],
        [r.time_zone for r in rows],
        [r.consent for r in rows],
        now,
    )
    await connection.execute(
        _LINK,
        practice_id,
        kind,
        now,
        told_by,
        [contact_id for contact_id, _ in links],
        [person for _, person in links],
        [r.relation for r in links.values()],
        [",".join(r.rights) for r in links.values()],
        [r.until for r in links.values()],
    )
    await connection.execute(
        "insert into vault.addresses (practice_id, contact_id, subject_id, body) select $1, c, s, b "
        "from unnest($2::uuid[], $3::uuid[], $4::bytea[]) as t(c, s, b) on conflict do nothing",
        practice_id,
        ids,
        [r.person for r in rows],
        [vault.seal(keys[r.person], i, r.address.encode()) for i, r in zip(ids, rows, strict=True)],
    )
    await connection.execute(
        "insert into vault.identities (practice_id, hash, kind, person_id, contact_id) select $1, h, k, p, c "
        "from unnest($2::bytea[], $3::text[], $4::uuid[], $5::uuid[]) as t(h, k, p, c) on conflict do nothing",
        practice_id,
        [vault.key.hash(r.channel, r.address) for r in links.values()],
        [r.channel for r in links.values()],
        [person for _, person in links],
        [contact_id for contact_id, _ in links],
    )
    return [(contact_id, person, reach.channel) for (contact_id, person), reach in links.items()]


async def who_is(
    connection: Connection, vault: Vault, practice_id: str, channel: str, address: str
) -> list[tuple[str, str]]:
    """(contact, person) pairs behind a number or address; several where it serves several people."""
    rows = await connection.fetch(
        "select contact_id, person_id from vault.identities where practice_id = $1 and hash = $2 and contact_id "
        "is not null "
        "order by person_id",
        practice_id,
        vault.key.hash(channel, address),
    )
    return [(row[0], row[1]) for row in rows]
