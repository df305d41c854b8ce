"""The outside world as real servers on loopback: a booking system, an EHR, a text carrier, mail, and the
people.

Each speaks its documented wire format and knows nothing of the product's insides: only formats and
URLs. All state is in memory. It runs as a process of its own (`python -m caredispatch.lab.world
--config FILE.json`) and is steered through `/control/...` (`client.py`). What the product does with
what it hears is not decided here.
"""
