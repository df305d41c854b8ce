"""Every setting, trigger, condition, command, connector, metric, exception kind and exit code is documented, and what
the pages name exists: modules, tests, links, rooms."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from caredispatch.app.directory_file import DirectoryFile
from caredispatch.app.directory_reading import read_directory_file
from caredispatch.app.settings import Settings
from caredispatch.cli.commands import app
from caredispatch.cli.failing import WRONG_USE
from caredispatch.contract.manifest import connector_names, load_manifest
from caredispatch.core.playbook import CONDITIONS, TRIGGERS
from caredispatch.core.records import ExceptionKind
from caredispatch.insights.metrics import Metrics
from caredispatch.lab import judging
from caredispatch.lab.scenes import SCENES
from caredispatch.policy.profiles import profile_names
from tests.docs.pages import PAGES, ROOT, SOURCE, anchors, coded, links, named_in_rows, page, rows, section

SETTINGS, METRICS, OPERATIONS = "docs/settings.md", "docs/metrics.md", "docs/operations.md"
SOURCES = {path: path.read_text("utf-8") for path in SOURCE.rglob("*.py")}
TESTS = {path: path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")}
TEST_NAMES = {name for text in TESTS.values() for name in re.findall(r"def (test_\w+)\(", text)}


def differ(there: Iterable[str], described: Iterable[str]) -> dict[str, list[str]]:
    """What exists and is not described, and what is described and does not exist."""
    one, other = set(there), set(described)
    both = {"not documented": sorted(one - other), "does not exist": sorted(other - one)}
    return {what: names for what, names in both.items() if names}


def test_a_name_on_one_side_only_is_found() -> None:
    table = "| setting | |\n| --- | --- |\n| `port` | 8321 |\n| `prot` | a slip |\n"
    assert differ({"port", "host"}, named_in_rows(table)) == {"not documented": ["host"], "does not exist": ["prot"]}


# ------------------------------------------------------------------ settings


def test_every_setting_of_an_installation_with_its_default() -> None:
    found = {next(iter(coded(cells[0]))): cells[1] for cells in rows(section(page(SETTINGS), "## caredispatch.yaml"))}
    assert differ(Settings.model_fields, found) == {}
    for name, field in Settings.model_fields.items():
        if not field.is_required() and field.default is not None:
            shown = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
            assert found[name] == f"`{shown}`", name


def test_every_field_of_a_practice_and_its_example_is_read() -> None:
    text = section(page(SETTINGS), "## practice.yaml")
    schema = DirectoryFile.model_json_schema(by_alias=True)
    parts = [schema, *schema["$defs"].values()]
    assert {name for part in parts for name in part["properties"]} - coded(text) == set()
    example = re.search(r"```yaml\n(.*?)```", text, re.S)
    assert example
    assert read_directory_file(example[1]).staff


def test_every_environment_variable() -> None:
    used = {name for text in SOURCES.values() for name in re.findall(r"environ[^\n]*?\"(CAREDISPATCH_\w+)\"", text)}
    assert used == {name for name in coded(page(SETTINGS)) if name.startswith("CAREDISPATCH_")}


# ------------------------------------------------------------------ the playbook's words


def test_every_trigger_and_condition() -> None:
    text = page("docs/playbook.md")
    assert set(TRIGGERS) | set(CONDITIONS) <= named_in_rows(text)


# ------------------------------------------------------------------ commands


def _commands() -> dict[str, set[str]]:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return {name: _options(command) for name, command in group.commands.items()}


def _options(command: Any) -> set[str]:
    """The options of a command, and of those below it."""
    below = [o for each in getattr(command, "commands", {}).values() for o in _options(each)]
    return {o for p in command.params for o in p.opts if o.startswith("--")}.union(below)


def test_every_command_and_its_options() -> None:
    table = {cells[0].split()[1].strip("`"): cells for cells in rows(section(page(OPERATIONS), "## Commands")) if
             cells[0].startswith("`caredispatch ")}  # fmt: skip
    there = _commands()
    assert differ(there, table) == {}
    for name, options in there.items():
        assert options - coded(" ".join(table[name])) == set(), name


def test_commands_that_pages_name_exist() -> None:
    there = set(_commands())
    named = {m for path in PAGES for m in re.findall(r"`caredispatch ([a-z]+)\b", path.read_text("utf-8"))}
    assert named - there == set()


def test_the_readme_names_every_profile_and_operations_every_scene() -> None:
    assert set(profile_names()) <= {w for c in coded(page("README.md")) for w in c.split()} | set(
        page("README.md").split()
    )
    assert set(SCENES) <= coded(page(OPERATIONS))


def _exit_codes(text: str) -> set[int]:
    """The codes that a module's functions return or exit with, as far as they are written as numbers."""
    found: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and ast.unparse(node.returns or node) == "int":
            ends = [n.value for n in ast.walk(node) if isinstance(n, ast.Return) and n.value is not None]
            found |= {c for end in ends for c in _numbers(end)}
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Exit"):
            found |= {c for argument in node.args for c in _numbers(argument)}
    return found


def _numbers(value: ast.expr) -> set[int]:
    match value:
        case ast.Constant(value=int(n)):
            return {n}
        case ast.IfExp(body=one, orelse=other):
            return _numbers(one) | _numbers(other)
        case _:
            return set()


def test_exit_codes_are_found_in_code() -> None:
    assert _exit_codes("def f() -> int:\n    return 7 if x else 0\ndef g():\n    raise typer.Exit(9)\n") == {7, 0, 9}


def test_every_exit_code() -> None:
    places = [*(SOURCE / "cli").glob("*.py"), SOURCE / "lab" / "demo.py"]
    used = {WRONG_USE}.union(*(_exit_codes(SOURCES[path]) for path in places))
    described = {cells[0] for cells in rows(section(page(OPERATIONS), "### Exit codes"))}
    assert differ(map(str, used), described) == {}


# ------------------------------------------------------------------ connectors, metrics, exceptions


@pytest.mark.parametrize("name", connector_names())
def test_every_connector_and_its_settings(name: str) -> None:
    text = page(f"docs/connectors/{name}.md")
    assert differ(load_manifest(name).settings, named_in_rows(section(text, "## Settings"))) == {}
    assert f"`{name}`" in page("README.md")
    assert f"`{name}`" in page(SETTINGS)


def test_every_metric() -> None:
    there = {f"{m.name}_total" if m.type == "counter" else m.name for m in Metrics().registry.collect()}
    assert differ(there, {n for n in named_in_rows(page(METRICS)) if n.startswith("caredispatch_")}) == {}


def test_every_kind_of_exception() -> None:
    table = section(page("docs/architecture.md"), "### Kinds of exceptions")
    assert differ(get_args(ExceptionKind), named_in_rows(table)) == {}


# ------------------------------------------------------------------ what the pages name exists


def test_every_room_in_the_order_of_the_import_contract() -> None:
    contract = tomllib.loads(page("pyproject.toml"))["tool"]["importlinter"]["contracts"][0]
    layers = [set(layer.split(" | ")) for layer in contract["layers"]]
    table = rows(section(page("docs/architecture.md"), "## The rooms"))
    assert [coded(cells[0]) for cells in table[: len(layers)]] == layers


def test_the_ten_promises_are_those_that_the_demo_judges() -> None:
    table = section(page("docs/architecture.md"), "## The ten promises")
    named = [name for cells in rows(table) for name in coded(cells[0])]
    assert len(named) == 10
    assert all(
        callable(getattr(judging, name)) and f'"{name}":' in SOURCES[SOURCE / "lab/judging.py"] for name in named
    )


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_tests_and_links_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    files = {name for name in coded(text) if re.fullmatch(r"[\w./-]+/[\w.-]+\.(py|sql|toml|yaml|md)", name)}
    assert [n for n in sorted(files) if not any((base / n).exists() for base in (SOURCE, ROOT, path.parent))] == []
    assert sorted({name for name in coded(text) if name.startswith("test_")} - TEST_NAMES) == []
    for link in links(text):
        to, _, anchor = link.partition("#")
        target = path.parent / to if to else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text("utf-8")), link


# ------------------------------------------------------------------ rules and decisions


def _rules(name: str) -> dict[str, str]:
    """Rule by rule what a page says; a heading may name several."""
    found: dict[str, str] = {}
    for heading, body in re.findall(r"(?m)^### (.*)\n((?:(?!^#).*\n?)*)", page(name)):
        found |= dict.fromkeys(re.findall(r"\b([DE]\d+)\b", heading), body)
    return found


@pytest.mark.parametrize(("name", "letter", "last"), [("docs/domain.md", "D", 42), ("docs/engine.md", "E", 34)])
def test_every_rule_says_how_far_it_is_true_where_and_by_which_test(name: str, letter: str, last: int) -> None:
    found = _rules(name)
    assert differ({f"{letter}{n}" for n in range(1, last + 1)}, found) == {}
    for rule, body in found.items():
        status = re.match(r"\*(Holds|Partly|Data model only|Not there)[.,]", body)
        assert status, rule
        if status[1] in ("Holds", "Partly"):
            assert any("/" in code for code in coded(body.partition("- Where:")[2])), f"{rule} names no module"
            assert any(code in TEST_NAMES for code in coded(body.partition("- Shown by:")[2])), f"{rule}: no test"


def test_every_rule_that_code_quotes_is_described() -> None:
    known = {**_rules("docs/domain.md"), **_rules("docs/engine.md")}
    quoted = {q for text in SOURCES.values() for q in re.findall(r"[(,;/ ]([DE]\d{1,2})(?=[),;/ ])", text)}
    assert sorted(quoted - set(known)) == []


def test_decision_records_are_numbered_and_complete() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        text = path.read_text("utf-8")
        assert text.startswith(f"# {int(path.name[:4])}. "), path.name
        assert all(f"**{part}.**" in text for part in ("Context", "Choice", "What would change our mind")), path.name
