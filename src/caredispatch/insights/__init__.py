"""Metrics, baseline, before and after, reports: what the numbers mean and how they are counted. Nothing is decided or
changed from here."""
