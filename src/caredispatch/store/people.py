"""Patients: the identity-free rows in `care`, the identity in the vault, and the keyed hashes by which a name or an
external id leads to a patient key (E5). Under `caredispatch_intake`; what is revealed, under `caredispatch_reveal`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from caredispatch.core.ids import make_id
from caredispatch.store import merging
from caredispatch.store.contacts import keep_own, keep_related
from caredispatch.store.identities import Identity, Record
from caredispatch.store.pools import Connection
from caredispatch.store.vault import Vault


async def patient_keys(
    connection: Connection,
    vault: Vault,
    practice_id: str,
    connection_id: str,
    identities: list[Identity],
    now: datetime,
) -> list[str | None]:
    """The patient key of each identity, making the patient, its vault entry and its contacts where it is new. None
    where an identity has nothing that it could be recognised by again."""
    everybody = [*identities]
    for identity in everybody:
        # Grows while it is gone through: the record in whose favour one was given up may be given up itself.
        kept = identity.record.replaced_by if identity.record else None
        everybody += [kept] if kept is not None and kept.record is not None else []
    found = await _found(connection, vault, practice_id, connection_id, everybody, now)
    known = {key: i for i, key in zip(everybody, found, strict=True) if i.record is not None and key is not None}
    if known:
        await _keep_merged(connection, vault, practice_id, connection_id, known)
        await keep_related(connection, vault, practice_id, connection_id, known, now)
        await _keep_homes(connection, practice_id, known)
    rows = await connection.fetch(
        "select patient_id, merged_into from care.patients "
        "where practice_id = $1 and patient_id = any($2) and merged_into is not null",
        practice_id,
        sorted({key for key in found if key is not None}),
    )
    merged = {row[0]: row[1] for row in rows}
    return [merged.get(key, key) if key else None for key in found[: len(identities)]]


async def _keep_merged(
    connection: Connection,
    vault: Vault,
    practice_id: str,
    connection_id: str,
    read: dict[str, Identity],
) -> None:
    """Take in what whole records say of others (D7). One that was never seen is nobody yet."""
    records = {key: i.record for key, i in read.items() if i.record is not None}
    others = {other for record in records.values() for other in (*record.replaces, _kept(record)) if other}
    known: dict[str, str] = {}
    if others:
        hashes = {vault.key.hash("external", f"{connection_id}:{external_id}"): external_id for external_id in others}
        rows = await connection.fetch(
            "select hash, person_id from vault.identities where practice_id = $1 and hash = any($2)",
            practice_id,
            list(hashes),
        )
        known = {hashes[row[0]]: row[1] for row in rows}
    said = [
        merging.Said(key, known.get(_kept(record)), tuple(known[r] for r in record.replaces if r in known))
        for key, record in records.items()
    ]
    await merging.take_in(connection, practice_id, connection_id, said)


async def _keep_homes(connection: Connection, practice_id: str, read: dict[str, Identity]) -> None:
    """Keep in which state they live (D4): no more of an address leaves the vault (D32)."""
    states = {key: i.record.state for key, i in read.items() if i.record is not None and i.record.state is not None}
    if states:
        await connection.execute(
            "update care.patients p set home_state = t.state from unnest($2::uuid[], $3::text[]) t(patient, state) "
            "where p.practice_id = $1 and p.patient_id = t.patient and p.home_state is distinct from t.state",
            practice_id,
            list(states),
            list(states.values()),
        )


def _kept(record: Record) -> str:
    """The id of the record that is used in its place, or nothing."""
    return (record.replaced_by.external_id or "") if record.replaced_by else ""


async def _found(
    connection: Connection,
    vault: Vault,
    practice_id: str,
    connection_id: str,
    identities: list[Identity],
    now: datetime,
) -> list[str | None]:
    hashes = [identity.hashes(vault, connection_id) for identity in identities]
    rows = await connection.fetch(
        "select hash, person_id from vault.identities where practice_id = $1 and hash = any($2)",
        practice_id,
        [h for found in hashes for _, h in found],
    )
    known = {row[0]: row[1] for row in rows}
    keys: list[str | None] = []
    new: dict[str, tuple[Identity, list[tuple[str, bytes]]]] = {}
    for identity, found in zip(identities, hashes, strict=True):
        person = next((known[h] for _, h in found if h in known), None)
        if person is None and found:
            person = make_id("patient", practice_id, found[0][1].hex())
            new[person] = (identity, found)
        elif person is not None and any(h not in known for _, h in found):
            new[person] = (identity, found)
        keys.append(person)
        for _, h in found:
            if person is not None:
                known[h] = person
    if new:
        await _keep(connection, vault, practice_id, connection_id, new, now)
    return keys


async def _keep(
    connection: Connection,
    vault: Vault,
    practice_id: str,
    told_by: str,
    new: dict[str, tuple[Identity, list[tuple[str, bytes]]]],
    now: datetime,
) -> None:
    people = sorted(new)
    keys = await vault.data_keys(connection, practice_id, people)
    bodies = [
        vault.seal(
            keys[p],
            p,
            {
                "given": new[p][0].given,
                "family": new[p][0].family,
                "birth_date": new[p][0].birth_date,
                "external_id": new[p][0].external_id,
            },
        )
        for p in people
    ]
    await connection.execute(
        "insert into vault.people (practice_id, person_id, body) select $1, p, b "
        "from unnest($2::uuid[], $3::bytea[]) as t(p, b) on conflict do nothing",
        practice_id,
        people,
        bodies,
    )
    await connection.execute(
        "insert into care.patients (practice_id, patient_id, language, created_at) select $1, p, l, $4 "
        "from unnest($2::uuid[], $3::text[]) as t(p, l) on conflict do nothing",
        practice_id,
        people,
        [new[p][0].language or "en" for p in people],
        now,
    )
    await keep_own(connection, vault, practice_id, told_by, {p: new[p][0] for p in people}, now)
    rows = [(p, kind, h) for p in people for kind, h in new[p][1]]
    await connection.execute(
        "insert into vault.identities (practice_id, hash, kind, person_id) select $1, h, k, p "
        "from unnest($2::bytea[], $3::text[], $4::uuid[]) as t(h, k, p) on conflict do nothing",
        practice_id,
        [r[2] for r in rows],
        [r[1] for r in rows],
        [r[0] for r in rows],
    )


async def known_as(
    connection: Connection, vault: Vault, practice_id: str, connections: Sequence[str], said: str
) -> str | None:
    """The patient of a key, or of an external id in one of these systems; None where there is none, or several."""
    hashes = [vault.key.hash("external", f"{name}:{said}") for name in connections]
    rows = await connection.fetch(
        "select distinct i.person_id::text from vault.identities i join care.patients p on p.practice_id = $1 "
        "and p.patient_id = i.person_id where i.practice_id = $1 and i.hash = any($2) "
        "union select patient_id::text from care.patients where practice_id = $1 and patient_id::text = $3",
        practice_id,
        hashes,
        said.lower(),
    )
    return rows[0][0] if len(rows) == 1 else None


@dataclass(frozen=True, slots=True, repr=False)
class Revealed:
    """A person's identity, joined at the last moment. `repr` shows nothing."""

    given: str | None
    family: str | None
    birth_date: str | None
    external_id: str | None
    addresses: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return "Revealed(…)"


async def reveal_person(connection: Connection, vault: Vault, practice_id: str, person_id: str) -> Revealed | None:
    """Who a patient is, with their addresses; None when unknown or erased. Under `caredispatch_reveal`."""
    body = await connection.fetchval(
        "select body from vault.people where practice_id = $1 and person_id = $2", practice_id, person_id
    )
    keys = await vault.known_keys(connection, practice_id, [person_id])
    if body is None or person_id not in keys:
        return None
    plain = orjson.loads(vault.unseal(keys[person_id], person_id, body))
    rows = await connection.fetch(
        "select c.contact_id, c.channel from care.contact_people p join care.contacts c using (practice_id, "
        "contact_id) "
        "where p.practice_id = $1 and p.person_id = $2 order by c.preference, p.told_at desc",
        practice_id,
        person_id,
    )
    addresses = await reveal_addresses(connection, vault, practice_id, [row[0] for row in rows])
    return Revealed(
        plain.get("given"),
        plain.get("family"),
        plain.get("birth_date"),
        plain.get("external_id"),
        tuple((row[1], addresses[row[0]]) for row in rows if row[0] in addresses),
    )


async def reveal_addresses(
    connection: Connection, vault: Vault, practice_id: str, contact_ids: Sequence[str]
) -> dict[str, str]:
    """Numbers and addresses by contact; what is unknown or erased is left out. Under `caredispatch_reveal`."""
    rows = await connection.fetch(
        "select contact_id, subject_id, body from vault.addresses where practice_id = $1 and contact_id = any($2)",
        practice_id,
        list(contact_ids),
    )
    keys = await vault.known_keys(connection, practice_id, [row[1] for row in rows])
    return {row[0]: vault.unseal(keys[row[1]], row[0], row[2]).decode() for row in rows if row[1] in keys}


async def staff_addresses(
    connection: Connection, vault: Vault, practice_id: str, staff: Sequence[str], channel: str
) -> dict[str, str]:
    """Where each of some staff members is reached on a channel; left out who is not. Under `caredispatch_reveal`."""
    rows = await connection.fetch(
        "select l.person_id, c.contact_id from care.contact_people l "
        "join care.contacts c using (practice_id, contact_id) "
        "where l.practice_id = $1 and l.person_kind = 'staff' and l.person_id = any($2) and c.channel = $3 "
        "and c.status = 'usable' order by c.preference desc, l.told_at",
        practice_id,
        list(staff),
        channel,
    )
    found = await reveal_addresses(connection, vault, practice_id, [row[1] for row in rows])
    return {row[0]: found[row[1]] for row in rows if row[1] in found}


@dataclass(frozen=True, slots=True, repr=False)
class Recipient:
    """Where one text goes, and whether it still should: the state of its ask (E20), the contact's channel, language,
    zone and status, the address. None where there is none (any more). `repr` shows nothing."""

    ask_state: str | None
    channel: str | None
    language: str
    time_zone: str
    status: str | None
    address: str | None

    def __repr__(self) -> str:
        return "Recipient(…)"


_RECIPIENTS = """
select t.delivery_id, k.state, c.channel, c.language, c.time_zone, c.status, a.contact_id, a.body, w.subject_id,
       w.wrapped
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) as t(practice_id, delivery_id, ask_id, contact_id)
  left join care.asks k on k.practice_id = t.practice_id and k.ask_id = t.ask_id
  left join care.contacts c on c.practice_id = t.practice_id and c.contact_id = t.contact_id
  left join vault.addresses a on a.practice_id = t.practice_id and a.contact_id = t.contact_id
  left join vault.data_keys w on w.practice_id = t.practice_id and w.subject_id = a.subject_id
"""


async def recipients(
    connection: Connection, vault: Vault, texts: Sequence[tuple[str, str, str | None, str | None]]
) -> dict[str, Recipient]:
    """The recipients of some texts, given as (practice, delivery, ask, contact), by delivery; one query for all. Under
    `caredispatch_reveal`."""
    found: dict[str, Recipient] = {}
    for row in await connection.fetch(_RECIPIENTS, *zip(*texts, strict=True)) if texts else ():
        address = vault.open(row[8], row[9], row[6], row[7]).decode() if row[9] is not None else None
        found[row[0]] = Recipient(row[1], row[2], row[3] or "en", row[4] or "UTC", row[5], address)
    return found
