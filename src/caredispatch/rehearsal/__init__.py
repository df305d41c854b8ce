"""Rehearsal: the core over values, in a simulated world on simulated time (E14). No database, no clock; chance comes
from a seed alone."""
