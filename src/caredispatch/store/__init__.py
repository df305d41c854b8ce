"""Tables, migrations, queries, the vault, and the embedded server. What the rows mean is decided in `core`; no outside
system is called from here."""
