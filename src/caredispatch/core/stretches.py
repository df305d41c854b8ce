"""Stretches of time, joined and cut: minutes that overlap, or that a group shares, count once (D39)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

Stretch = tuple[datetime, datetime]


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same time in stretches that neither overlap nor touch, in order."""
    found: list[Stretch] = []
    for begin, end in sorted(stretches):
        if end <= begin:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return found


def without(stretches: Iterable[Stretch], gone: Iterable[Stretch]) -> list[Stretch]:
    """What is left of some stretches when others are taken out."""
    left = joined(stretches)
    for away, back in joined(gone):
        left = [
            piece
            for begin, end in left
            for piece in ((begin, min(end, away)), (max(begin, back), end))
            if piece[0] < piece[1]
        ]
    return left


def shared(one: Iterable[Stretch], other: Iterable[Stretch]) -> list[Stretch]:
    """The time that is in both."""
    others = joined(other)
    found = [(max(b, c), min(e, d)) for b, e in joined(one) for c, d in others]
    return joined(piece for piece in found if piece[0] < piece[1])


def length(stretches: Iterable[Stretch]) -> timedelta:
    """How long they are together; what overlaps counts once."""
    return sum((end - begin for begin, end in joined(stretches)), timedelta())
