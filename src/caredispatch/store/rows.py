"""Values of `core` as rows: one statement a table, columns named like fields. JSON in (one parameter, however many
rows), typed columns out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Generic, TypeVar

import orjson
from pydantic import TypeAdapter

from caredispatch.core.records import (
    Appointment,
    Ask,
    Case,
    Delivery,
    Exception_,
    Hold,
    Incident,
    Link,
    Occupation,
    Option,
    Participant,
    Request,
)
from caredispatch.store.pools import Connection

Row = TypeVar("Row")


@dataclass(frozen=True)
class Table(Generic[Row]):
    """How one kind of value is stored. `tuples` are fields that arrive as lists; `left_out` live in other tables;
    `read` makes the values of fields that are kept as JSON."""

    name: str
    of: type[Row]
    key: tuple[str, ...]
    tuples: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    read: tuple[tuple[str, Callable[[Any], Any]], ...] = ()

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The column names, in the order of the fields."""
        return tuple(f.name for f in fields(self.of) if f.name not in self.left_out)  # type: ignore[arg-type]  # all are dataclasses

    @cached_property
    def upsert_sql(self) -> str:
        """Insert or replace whole rows, from one JSON array."""
        names = ", ".join(self.columns)
        rest = ", ".join(f"{c} = excluded.{c}" for c in self.columns if c not in self.key)
        return (
            f"insert into care.{self.name} ({names}) "  # noqa: S608 names from this module only
            f"select {names} from json_populate_recordset(null::care.{self.name}, $1) "
            f"on conflict ({', '.join(self.key)}) do update set {rest}"
        )

    @cached_property
    def insert_sql(self) -> str:
        """Insert rows that are new; one that is there already stays as it is."""
        names = ", ".join(self.columns)
        return (
            f"insert into care.{self.name} ({names}) "  # noqa: S608 names from this module only
            f"select {names} from json_populate_recordset(null::care.{self.name}, $1) on conflict do nothing"
        )

    @cached_property
    def build(self) -> Callable[[Sequence[Any]], Row]:
        """Make a value of a fetched row (columns in `columns` order)."""
        at = tuple(index for index, name in enumerate(self.columns) if name in self.tuples)
        names, of = self.columns, self.of
        made = tuple((self.columns.index(name), read) for name, read in self.read)
        if not at and not made and not self.left_out:
            return lambda row: of(*row)

        def build(row: Sequence[Any]) -> Row:
            values = list(row)
            for index in at:
                values[index] = tuple(values[index])
            for index, read in made:
                if values[index]:
                    values[index] = read(values[index])
            return of(**dict(zip(names, values, strict=True)))

        return build

    async def upsert(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Write whole rows."""
        if rows:
            await connection.execute(self.upsert_sql, rows)

    async def insert(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Write rows that are new."""
        if rows:
            await connection.execute(self.insert_sql, rows)

    async def of_appointments(self, connection: Connection, practice_id: str, ids: Iterable[str]) -> list[Row]:
        """All rows of some appointments."""
        return await self.fetch(connection, "practice_id = $1 and appointment_id = any($2)", practice_id, list(ids))

    async def fetch(self, connection: Connection, where: str, *values: object) -> list[Row]:
        """The rows that a condition of our own (with its order and bound) finds."""
        found = await connection.fetch(
            f"select {', '.join(self.columns)} from care.{self.name} where {where}",  # noqa: S608 never from outside
            *values,
        )
        return [self.build(tuple(row)) for row in found]


APPOINTMENTS = Table(
    "appointments",
    Appointment,
    ("practice_id", "appointment_id"),
    ("held_triggers",),
    ("participants",),
    (("request", TypeAdapter(Request).validate_python),),
)
OCCUPATIONS = Table("occupations", Occupation, ("practice_id", "appointment_id", "occupation_id"))
LINKS = Table("links", Link, ("practice_id", "appointment_id", "link_id"), ("sent",))
CASES = Table("cases", Case, ("practice_id", "appointment_id", "case_id"), ("remind", "followers"))
ASKS = Table(
    "asks",
    Ask,
    ("practice_id", "ask_id"),
    ("by", "tried", "options"),
    read=(("options", TypeAdapter(tuple[Option, ...]).validate_python),),
)
INCIDENTS = Table("incidents", Incident, ("practice_id", "incident_id"), ("visits",))
EXCEPTIONS = Table("exceptions", Exception_, ("practice_id", "exception_id"))
HOLDS = Table("holds", Hold, ("practice_id", "appointment_id", "connection_id"), ("placed",))
DELIVERIES = Table("deliveries", Delivery, ("practice_id", "delivery_id"))


def participant_rows(appointment: Appointment) -> list[dict[str, Any]]:
    """The participants of one appointment as rows of their table."""
    return [
        {
            "practice_id": appointment.practice_id,
            "appointment_id": appointment.appointment_id,
            "role": p.role,
            "kind": p.kind,
            "actor_id": p.actor_id,
            "coverage": p.coverage,
        }
        for p in appointment.participants
    ]


PARTICIPANTS_SQL = (
    "insert into care.participants (practice_id, appointment_id, role, kind, actor_id, coverage) "
    "select practice_id, appointment_id, role, kind, actor_id, coverage "
    "from json_populate_recordset(null::care.participants, $1) "
    "on conflict (practice_id, appointment_id, role) do update "
    "set kind = excluded.kind, actor_id = excluded.actor_id, coverage = excluded.coverage"
)


async def participants_of(
    connection: Connection, practice_id: str, ids: Sequence[str]
) -> dict[str, tuple[Participant, ...]]:
    """Who and what is on some appointments, by role."""
    found: dict[str, list[Participant]] = {i: [] for i in ids}
    for row in await connection.fetch(
        "select appointment_id, role, kind, actor_id, coverage from care.participants "
        "where practice_id = $1 and appointment_id = any($2) order by role",
        practice_id,
        list(ids),
    ):
        found[row[0]].append(Participant(*row[1:]))
    return {i: tuple(people) for i, people in found.items()}


def canonical(value: object) -> bytes:
    """Canonical JSON: what the journal hashes and replay compares."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)
