"""The pure core: records, merge, playbook rules, routing, eligibility and ranking, casework. Values in, values out;
no I/O, clock or randomness, no framework."""
