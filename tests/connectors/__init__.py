"""Connectors over real sockets: what all must do (conformance, by folder) and what each does."""
