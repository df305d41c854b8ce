"""What a check looks at: the typed playbook, where its fields stand, and what the practice has set up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from caredispatch.core.playbook import Action, MessageKind, Playbook
from caredispatch.policy.duty import Span
from caredispatch.policy.source import Marks, Where


@dataclass(frozen=True, slots=True)
class Known:
    """What the practice has set up; what is empty is not checked against. `channels` says of each channel whether its
    agreement is signed; `hours` are everybody's working hours of a week (D28); `connections` are the outside
    systems, `sends` what they write to patients about by themselves (D20)."""

    services: frozenset[str] = frozenset()
    locations: frozenset[str] = frozenset()
    staff: frozenset[str] = frozenset()
    hours: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    channels: Mapping[str, bool] = field(default_factory=dict)
    connections: frozenset[str] = frozenset()
    sends: Mapping[str, frozenset[MessageKind]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Looking:
    """Everything that one check may use."""

    playbook: Playbook
    marks: Marks
    known: Known | None


def actions(playbook: Playbook) -> Iterator[tuple[Where, Action]]:
    """Every action of every rule, and where it stands."""
    for section, rules in playbook.sections.items():
        for at, rule in enumerate(rules):
            for number, action in enumerate(rule.then):
                yield (section, at, "then", number), action
