"""Copies of records: the same as the standard library's, for every kind of record, fact and decision."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson
import pytest

from caredispatch.core import draft, eligibility, facts, observation, playbook, records, routing
from caredispatch.core.copying import replace
from caredispatch.core.facts import Busy, Service
from tests.core.clinic import VISIT

ROOMS = (records, facts, draft, observation, routing, playbook, eligibility)
KINDS: list[type] = sorted(
    {k for room in ROOMS for k in vars(room).values() if isinstance(k, type) and dataclasses.is_dataclass(k)},
    key=lambda k: k.__name__,
)


def some(kind: Any) -> Any:
    """A value of a kind with something in each field; its fields are not looked into."""
    return kind(**{f.name: f"some {f.name}" for f in dataclasses.fields(kind)})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_copy_is_what_the_standard_library_makes(kind: Any) -> None:
    value = some(kind)
    for field in dataclasses.fields(kind):
        copy = replace(value, **{field.name: "another"})
        assert copy == dataclasses.replace(value, **{field.name: "another"})
        # Also in the order of the fields: that is how the journal is hashed.
        assert orjson.dumps(copy) == orjson.dumps(dataclasses.replace(value, **{field.name: "another"}))
    assert value == some(kind)


def test_a_copy_is_as_frozen_as_what_it_is_of() -> None:
    copy = replace(Service("therapy", "Therapy", 50), minutes=30)
    with pytest.raises(dataclasses.FrozenInstanceError):
        copy.minutes = 20  # type: ignore[misc]  # what is tested


def test_a_field_that_is_none_is_refused() -> None:
    changes: dict[str, Any] = {"begins_at": VISIT}
    with pytest.raises(TypeError, match="Busy has no field begins_at"):
        replace(Busy(VISIT, VISIT, "leave"), **changes)
