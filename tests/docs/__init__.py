"""Documentation is tested: what exists is described, and what is described exists."""
