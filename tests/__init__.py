"""The specification as tests; folders mirror the rooms."""
