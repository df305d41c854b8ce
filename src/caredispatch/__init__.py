"""caredispatch: healthcare scheduling and dispatch automation. The rooms and what may import what:
docs/architecture.md."""

import zoneinfo

# Time zones come from the locked `tzdata` package, whose version the journal names, never from the system (E15).
zoneinfo.reset_tzpath(())
