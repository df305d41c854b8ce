"""caredispatch: healthcare scheduling and dispatch automation. The rooms and what may import what:
docs/architecture.md."""
