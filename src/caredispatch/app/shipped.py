"""The made-up practices that come with the product, read by the same readers as anybody's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from caredispatch.app.directory_file import directory_of
from caredispatch.app.directory_reading import read_directory_file
from caredispatch.core.draft import Policy
from caredispatch.core.ids import make_id
from caredispatch.policy.profiles import profile_text
from caredispatch.policy.reader import read_playbook
from caredispatch.rehearsal.parameters import Parameters
from caredispatch.rehearsal.parameters_reading import read_parameters, shipped
from caredispatch.rehearsal.practices import PracticeFacts, practice_text, read_facts


@dataclass(frozen=True, slots=True)
class Shipped:
    """One practice with all that a rehearsal needs of it: its directory and playbook, its facts, and what is assumed of
    its patients and staff."""

    name: str
    policy: Policy
    facts: PracticeFacts
    parameters: Parameters


@lru_cache(maxsize=8)
def shipped_practice(name: str) -> Shipped:
    """The practice of one type. Raises FileNotFoundError where there is none of that name."""
    parsed = read_directory_file(practice_text(name), f"{name}/practice.yaml")
    directory = directory_of(parsed, make_id("practice", name), 1)
    playbook = read_playbook(profile_text(name))
    facts = read_facts(practice_text(name, "facts.yaml"), f"{name}/facts.yaml")
    own = read_parameters(practice_text(name, "rehearsal.yaml"), f"{name}/rehearsal.yaml", shipped())
    return Shipped(name, Policy(directory, playbook), facts, own)
