"""What payers have to do with it (D6): panels of staff and authorisations of patients. Written as the owner, whole,
from a practice's files; read for decisions that seek somebody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from caredispatch.core.copying import replace
from caredispatch.core.facts import PatientFacts
from caredispatch.core.ids import make_id
from caredispatch.core.payers import Authorisation, Panel, Payers
from caredispatch.store.pools import Connection


@dataclass(slots=True)
class Cover:
    """What was read for a batch."""

    panels: dict[str, list[Panel]] = field(default_factory=dict)
    panelled: tuple[str, ...] = ()
    authorised: tuple[tuple[str, str], ...] = ()

    def of(self, patients: Iterable[PatientFacts | None]) -> Payers | None:
        """As much of it as a decision about these patients may look at; None where the practice keeps nothing."""
        if not self.panelled and not self.authorised:
            return None
        payers = {p.payer for p in patients if p is not None}
        mine = {who: tuple(p for p in rows if p.payer in payers) for who, rows in sorted(self.panels.items())}
        return Payers({who: rows for who, rows in mine.items() if rows}, self.panelled, self.authorised)


async def read_cover(connection: Connection, practice_id: str, patients: dict[str, PatientFacts]) -> Cover:
    """Read the panels with the patients' payers, and put each patient's authorisations with their facts."""
    cover = Cover()
    kept = await connection.fetch(
        "select 'panel', payer, null from care.panels where practice_id = $1 group by payer "
        "union all select 'authorisation', coalesce(p.payer, ''), a.service from care.authorisations a "
        "left join care.patients p using (practice_id, patient_id) where a.practice_id = $1 "
        "group by p.payer, a.service order by 1, 2, 3",
        practice_id,
    )
    cover.panelled = tuple(row[1] for row in kept if row[0] == "panel")
    cover.authorised = tuple((row[1], row[2]) for row in kept if row[0] == "authorisation")
    if cover.panelled:
        for row in await connection.fetch(
            "select staff_id, payer, valid_from, valid_until from care.panels "
            "where practice_id = $1 and payer = any($2) order by staff_id, payer, valid_from",
            practice_id,
            sorted({p.payer for p in patients.values() if p.payer is not None}),
        ):
            cover.panels.setdefault(row[0], []).append(Panel(row[1], row[2], row[3]))
    if cover.authorised:
        for row in await connection.fetch(
            "select patient_id, service, units_left, valid_until from care.authorisations "
            "where practice_id = $1 and patient_id = any($2) order by patient_id, authorisation_id",
            practice_id,
            sorted(patients),
        ):
            known = patients[row[0]]
            more = Authorisation(row[1], row[2], row[3])
            patients[row[0]] = replace(known, authorisations=(*known.authorisations, more))
    return cover


async def put_panels(connection: Connection, practice_id: str, panels: Sequence[tuple[str, Panel]]) -> None:
    """Make these all panels of the practice's staff (as the owner)."""
    await connection.execute("delete from care.panels where practice_id = $1", practice_id)
    await connection.execute(
        "insert into care.panels (practice_id, staff_id, payer, valid_from, valid_until) "
        "select $1, s, p, f, u from unnest($2::uuid[], $3::text[], $4::date[], $5::date[]) t(s, p, f, u)",
        practice_id,
        [staff_id for staff_id, _ in panels],
        [p.payer for _, p in panels],
        [p.since for _, p in panels],
        [p.until for _, p in panels],
    )


@dataclass(frozen=True, slots=True)
class Told:
    """What a file says of one patient; None where it says nothing, so that what is there stays."""

    patient_id: str
    tags: tuple[str, ...] | None = None
    payer: str | None = None
    language: str | None = None
    excluded: tuple[str, ...] | None = None
    care_team: Mapping[str, int] = field(default_factory=dict)
    authorisations: tuple[Authorisation, ...] | None = None
    travel_minutes: int | None = None


async def put_facts(connection: Connection, practice_id: str, told: Sequence[Told]) -> None:
    """Take over what a file says of some patients (as the owner). Said again it changes nothing."""
    for one in told:
        await connection.execute(
            "update care.patients set tags = coalesce($3, tags), payer = coalesce($4, payer), "
            "language = coalesce($5, language), excluded_staff = coalesce($6::uuid[], excluded_staff), "
            "travel_minutes = coalesce($7, travel_minutes) "
            "where practice_id = $1 and patient_id = $2",
            practice_id,
            one.patient_id,
            None if one.tags is None else list(one.tags),
            one.payer,
            one.language,
            None if one.excluded is None else list(one.excluded),
            one.travel_minutes,
        )
        await _care_team(connection, practice_id, one)
        if one.authorisations is not None:
            await _authorisations(connection, practice_id, one.patient_id, one.authorisations)


async def _care_team(connection: Connection, practice_id: str, one: Told) -> None:
    await connection.execute(
        "insert into care.care_team (practice_id, patient_id, staff_id, visits) "
        "select $1, $2, s, n from unnest($3::uuid[], $4::int[]) t(s, n) "
        "on conflict (practice_id, patient_id, staff_id) do update set visits = excluded.visits",
        practice_id,
        one.patient_id,
        list(one.care_team),
        list(one.care_team.values()),
    )


async def _authorisations(
    connection: Connection, practice_id: str, patient_id: str, authorisations: Sequence[Authorisation]
) -> None:
    await connection.execute(
        "delete from care.authorisations where practice_id = $1 and patient_id = $2", practice_id, patient_id
    )
    await connection.execute(
        "insert into care.authorisations (practice_id, authorisation_id, patient_id, service, units_left, valid_until) "
        "select $1, i, $2, s, n, u from unnest($3::uuid[], $4::text[], $5::int[], $6::date[]) t(i, s, n, u)",
        practice_id,
        patient_id,
        [make_id("authorisation", patient_id, n) for n, _ in enumerate(authorisations)],
        [a.service for a in authorisations],
        [a.left for a in authorisations],
        [a.until for a in authorisations],
    )
