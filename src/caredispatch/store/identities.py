"""Who somebody is, as one system told it, on the way into the vault: values only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

import phonenumbers

from caredispatch.store.vault import Vault

Relation = Literal["self", "parent", "guardian", "carer"]
Right = Literal["told", "confirm", "cancel"]
FULL: tuple[Right, ...] = ("told", "confirm", "cancel")
RIGHTS_OF: dict[Relation, tuple[Right, ...]] = {"self": FULL, "parent": FULL, "guardian": FULL, "carer": ("told",)}
"""What somebody may do for a patient unless it is said otherwise (D5)."""
_WRITTEN_SO = re.compile(r"\+1[2-9][0-9]{9}")
"""North American numbers as most systems have them, in E.164: looked at whole they stay what they are."""


@dataclass(frozen=True, slots=True)
class Related:
    """Somebody who may speak for a patient or is told (D5), normalised like an identity; `until` is the last day of
    that."""

    relation: Relation
    phone: str | None = None
    email: str | None = None
    language: str | None = None
    rights: tuple[Right, ...] = ("told",)
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, as one system told it; normalised (number in E.164, address in lower case). `time_zone` is that
    of the site they go to or work at, by which they are told at decent hours; `consent` where and in which words they
    agreed to automated texts (D21). `record` is there where the system's own record of them was read whole."""

    external_id: str | None = None
    given: str | None = None
    family: str | None = None
    birth_date: str | None = None
    phone: str | None = None
    email: str | None = None
    language: str | None = None
    time_zone: str = "UTC"
    consent: str | None = None
    record: Record | None = None

    def hashes(self, vault: Vault, connection_id: str) -> list[tuple[str, bytes]]:
        """The keyed hashes this identity can be found by, surest first. A number or address counts only together with
        the family name, since one number may serve several patients (D5)."""
        found: list[tuple[str, bytes]] = []
        if self.external_id:
            found.append(("external", vault.key.hash("external", f"{connection_id}:{self.external_id}")))
        name = f"{(self.given or '').casefold()}:{(self.family or '').casefold()}"
        if self.given and self.family and self.birth_date:
            found.append(("birth", vault.key.hash("birth", f"{name}:{self.birth_date}")))
        if self.family and self.phone:
            found.append(("phone_name", vault.key.hash("phone_name", f"{self.phone}:{name}")))
        if self.family and self.email:
            found.append(("email_name", vault.key.hash("email_name", f"{self.email}:{name}")))
        return found


@dataclass(frozen=True, slots=True)
class Record:
    """What a system's record of a patient says beside who they are: the record that is used in its place and the ids of
    those that it replaces (D7), who speaks for them (D5), and the state where they live (D4). What it does not say is
    not so there."""

    replaced_by: Identity | None = None
    replaces: tuple[str, ...] = ()
    contacts: tuple[Related, ...] = ()
    state: str | None = None


def number_of(text: str | None) -> str | None:
    """A telephone number in E.164, or None when it is none."""
    if not text:
        return None
    if _WRITTEN_SO.fullmatch(text):
        return text
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
