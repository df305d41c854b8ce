"""Operators' metrics, in Prometheus' words: each is defined once here and documented in docs/metrics.md (a test
compares)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from caredispatch.store.gauges import Reading


class Metrics:
    """One process's registry. `take` sets what was read from the database; `count` adds what this process decided."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._inbox_lag = self._gauge("inbox_lag_seconds", "age of the oldest notice that is not yet an observation")
        self._undecided = self._gauge("observations_undecided", "observations that wait for a decision")
        self._oldest_due = self._gauge("oldest_due_seconds", "how long the oldest deadline is overdue")
        self._outbox_age = self._gauge("outbox_age_seconds", "age of the oldest delivery that is not sent yet")
        self._outbox = self._gauge("outbox_waiting", "deliveries that wait")
        self._asks = self._gauge("asks_open", "questions that nobody has answered yet")
        self._cases = self._gauge("cases_open", "cases that are neither settled nor with a human")
        self._exceptions = self._gauge("exceptions_open", "exceptions that nobody has resolved")
        self._parked = self._gauge("parked", "notices and observations kept aside after failing")
        self._decisions = Counter(
            "caredispatch_decisions", "decisions by the rule that matched", ["rule"], registry=self.registry
        )

    def _gauge(self, name: str, help_text: str) -> Gauge:
        return Gauge(f"caredispatch_{name}", help_text, registry=self.registry)

    def take(self, reading: Reading, now: datetime) -> None:
        """Set the gauges from one reading; ages in seconds of business time."""

        def age(at: datetime | None) -> float:
            return max(0.0, (now - at).total_seconds()) if at else 0.0

        self._inbox_lag.set(age(reading.oldest_notice))
        self._undecided.set(reading.undecided)
        self._oldest_due.set(age(reading.oldest_due))
        self._outbox_age.set(age(reading.oldest_delivery))
        self._outbox.set(reading.waiting)
        self._asks.set(reading.asks)
        self._cases.set(reading.cases)
        self._exceptions.set(reading.exceptions)
        self._parked.set(reading.parked)

    def count(self, by_rule: Mapping[str, int]) -> None:
        """Add decisions by the rule that matched."""
        for rule, n in by_rule.items():
            self._decisions.labels(rule).inc(n)

    def text(self) -> str:
        """The exposition text."""
        return generate_latest(self.registry).decode()

    def names(self) -> list[str]:
        """The names of all metrics, as documented."""
        return sorted(metric.name for metric in self.registry.collect())
