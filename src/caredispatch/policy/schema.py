"""The published JSON Schema of the playbook, which editors complete from: `python -m caredispatch.policy.schema`."""

from __future__ import annotations

import json
import warnings

from caredispatch.policy.grammar import PlaybookFile


def schema_text() -> str:
    """The schema as it stands in docs/playbook.schema.json."""
    with warnings.catch_warnings():
        # Defaults are written as the file has them, not as the values they become: pydantic wonders about that.
        warnings.simplefilter("ignore", UserWarning)
        schema = PlaybookFile.model_json_schema(by_alias=True)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
