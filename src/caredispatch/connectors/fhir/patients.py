"""Which patient of the EHR a visit is for: the one known by id, else the only one with that family name and telephone
or e-mail. A guess is never made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import httpx

from caredispatch.connectors.fhir.normal import identity_of
from caredispatch.connectors.fhir.related import Who
from caredispatch.connectors.fhir.resources import ID, Patient
from caredispatch.connectors.fhir.server import Server
from caredispatch.contract.outcome import Refused, TryLater
from caredispatch.contract.reading import read_json
from caredispatch.contract.seen import SeenPatient, SeenRecord
from caredispatch.contract.verbs import Malformed

SHORTEST_NUMBER = 7
LONGEST_CHAIN = 4
"""Records that are read one after another where each was merged into the next."""
AT_ONCE = 50
"""Patients that one search names, so that its address stays short."""
NOT_FOUND = Refused(
    "patient_not_found",
    "no patient there has this family name with this telephone number or e-mail: register them in the EHR, or correct "
    "their entry",
)
AMBIGUOUS = Refused(
    "patient_ambiguous",
    "several patients there have this family name and telephone number or e-mail: merge them in the EHR, or book there "
    "by hand",
)


async def find_patient(server: Server, wanted: SeenPatient | None, *, unseen: bool) -> str | TryLater | Refused:
    """`Patient/id`. `unseen` keeps the search's words out of addresses."""
    if wanted is None:
        return NOT_FOUND
    if wanted.external_id:
        known = wanted.external_id.removeprefix("Patient/")
        return f"Patient/{known}" if ID.fullmatch(known) else NOT_FOUND
    if not wanted.family:
        return NOT_FOUND
    search = server.search_unseen if unseen else server.search
    for name, value in (("phone", wanted.phone), ("email", wanted.email)):
        if not value:
            continue
        found = await search(Patient, "Patient", [(name, _escaped(value)), ("family", _escaped(wanted.family))])
        if not isinstance(found, list):
            return found
        reached = [patient for patient in found if _reached(patient, name, value)]
        if right := _narrowed(reached, wanted):
            return f"Patient/{right[0].id}" if len(right) == 1 else AMBIGUOUS
    return NOT_FOUND


def _reached(patient: Patient, kind: str, value: str) -> bool:
    """Whether they really have that number or address: a server may pass over a search parameter that it doesn't know,
    and then answers with everybody of the name."""
    held = [t.value for t in patient.telecom if t.value and (t.system == kind or (kind, t.system) == ("phone", "sms"))]
    if kind == "email":
        return value.casefold() in [each.casefold() for each in held]
    return any(_same_number(value, each) for each in held)


def _same_number(one: str, other: str) -> bool:
    """By their digits, however they are written; a country code may be missing on one side."""
    short, long = sorted(("".join(c for c in text if c in "0123456789") for text in (one, other)), key=len)
    return len(short) >= SHORTEST_NUMBER and long.endswith(short)


def _narrowed(found: list[Patient], wanted: SeenPatient) -> list[Patient]:
    """Those that fit: the family name whole (a search finds beginnings), and where several fit, the day of birth."""
    family = (wanted.family or "").casefold()
    right = [p for p in found if p.active and any((n.family or "").casefold() == family for n in p.name)]
    if len(right) > 1 and wanted.birth_date is not None:
        right = [p for p in right if p.birthDate == wanted.birth_date] or right
    return right


def _escaped(text: str) -> str:
    """A value in which FHIR's separators are only characters."""
    return text.replace("\\", "\\\\").replace(",", "\\,").replace("$", "\\$").replace("|", "\\|")


async def identities(server: Server, locals_: Sequence[str], who: Who = "no") -> dict[str, SeenPatient] | TryLater:
    """The identities behind references, many in one search. Whoever it does not find is read alone; so is everybody
    where the server has no such search."""
    known: dict[str, SeenPatient] = {}
    several = [local.removeprefix("Patient/") for local in locals_ if local.startswith("Patient/")]
    for first in range(0, len(several) if len(several) > 1 else 0, AT_ONCE):
        found = await server.search(Patient, "Patient", [("_id", ",".join(several[first : first + AT_ONCE]))])
        if isinstance(found, TryLater):
            return found
        if isinstance(found, Refused):
            break
        known |= {f"Patient/{each.id}": identity_of(each, who) for each in found}
    people: dict[str, SeenPatient] = {}
    for local in locals_:
        whole = await _identity(server, local, who, known.get(local))
        if isinstance(whole, TryLater):
            return whole
        people[local] = whole
    return people


async def _identity(server: Server, local: str, who: Who, known: SeenPatient | None) -> SeenPatient | TryLater:
    """The identity behind a reference. One that may not be read, or is no longer there, is known by its id only. Of a
    record that was merged the one in its place comes along (D7)."""
    found = known or await _read(server, local, who)
    passed: list[SeenPatient] = []
    while isinstance(found, SeenPatient):
        passed.append(found)
        after = found.record.replaced_by if found.record else None
        if after is None or after.external_id is None or len(passed) == LONGEST_CHAIN:
            return _chained(passed)
        found = await _read(server, after.external_id, who)
    return found


def _chained(passed: list[SeenPatient]) -> SeenPatient:
    """The first of some records, each with the next in its place."""
    whole = passed.pop()
    while passed:
        one = passed.pop()
        whole = replace(one, record=replace(one.record or SeenRecord(), replaced_by=whole))
    return whole


async def _read(server: Server, local: str, who: Who) -> SeenPatient | TryLater:
    answer = await server.get(local)
    if isinstance(answer, TryLater):
        return answer
    nameless = SeenPatient(external_id=local)
    if isinstance(answer, Refused) or not isinstance(answer, httpx.Response) or not answer.is_success:
        return nameless
    try:
        return identity_of(read_json(Patient, answer.content, "the server's Patient"), who)
    except Malformed:
        return nameless
