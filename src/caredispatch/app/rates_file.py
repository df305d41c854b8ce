"""`rates.yaml` of a practice's folder: its own rates, with where each comes from. Only reports read it: what is wrong
with it stops nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from caredispatch.app.settings import SettingsInvalid, not_yaml
from caredispatch.insights.money import RATES, Rate, RateName, Rates

FILE = "rates.yaml"


class _RatePart(BaseModel):
    """One rate: an amount of money and its source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
    source: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class RatesFile(BaseModel):
    """What `rates.yaml` may say. Every field is documented in docs/reports.md; a rate that is not given is not used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"
    coordinator_hour: _RatePart | None = None
    overtime_hour: _RatePart | None = None
    visit_margin: _RatePart | None = None
    entry_error: _RatePart | None = None
    running_month: _RatePart | None = None


def read_rates(folder: Path) -> Rates | None:
    """The folder's rates; None where there is no such file. Raises SettingsInvalid."""
    path = folder / FILE
    try:
        raw = YAML(typ="safe").load(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except YAMLError as error:
        raise SettingsInvalid(f"{path}{not_yaml(error)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{path} can't be read: {error}") from None
    try:
        read = RatesFile.model_validate(raw if raw is not None else {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        shown = f" (it is {first['input']!r})" if first["type"] not in ("missing", "extra_forbidden") else ""
        fix = f"there are: currency, {', '.join(RATES)}, each `{{ amount: 24.50, source: payroll 2026 }}`"
        raise SettingsInvalid(f"{path}: {where}: {first['msg']}{shown}; {fix}") from None
    return Rates(read.currency, {name: rate for name in RATES if (rate := _rate(read, name)) is not None})


def _rate(read: RatesFile, name: RateName) -> Rate | None:
    part: _RatePart | None = getattr(read, name)
    return Rate(part.amount, part.source) if part else None
