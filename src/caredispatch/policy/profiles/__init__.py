"""The shipped playbooks, one folder a practice type: what `init` starts from."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def profile_names() -> tuple[str, ...]:
    """The practice types there are."""
    root = Path(str(files("caredispatch.policy.profiles")))
    return tuple(sorted(path.parent.name for path in root.glob("*/playbook.yaml")))


def profile_text(name: str) -> str:
    """The YAML of one. Raises FileNotFoundError."""
    return files("caredispatch.policy.profiles").joinpath(name, "playbook.yaml").read_text("utf-8")
