"""A practice's settings: what is wrong is one clear line that names the file, the setting, the value and the fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from caredispatch.app.settings import SettingsInvalid, read_key, read_settings, write_key
from caredispatch.store.vault import KeyInvalid, MasterKey


def folder(tmp_path: Path, text: str) -> Path:
    (tmp_path / "caredispatch.yaml").write_text(text, "utf-8")
    return tmp_path


def test_the_least_that_a_folder_says_is_its_practice(tmp_path: Path) -> None:
    settings = read_settings(folder(tmp_path, "practice: river\n"))
    assert (settings.database, settings.host, settings.port) == ("embedded", "127.0.0.1", 8321)
    assert settings.base_url == "http://127.0.0.1:8321"


def test_an_address_of_the_newer_kind_is_written_as_browsers_read_it(tmp_path: Path) -> None:
    assert read_settings(folder(tmp_path, "practice: river\nhost: '::1'\n")).base_url == "http://[::1]:8321"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("practice: river\nport: high\n", ["port", "high"]),
        ("practice: river\nprot: 1\n", ["prot"]),
        ("practice: River Clinic\n", ["practice"]),
        ("port: 1\n", ["practice"]),
        ("practice: river\ndatabase: sqlite:///x\n", ["database", "postgresql://"]),
        ("practice: river\nhost: 0.0.0.0\n", ["0.0.0.0", "behind_tls"]),
        ("[1, 2]\n", ["expected settings"]),
        ("practice: [\n", ["caredispatch.yaml:2:1", "not YAML"]),
        ("practice: river\nport: true\n", ["port", "True"]),
        ("practice: river\npublic_url: dispatch\n", ["public_url", "https://"]),
        ("practice: river\ndatabase: 'postgresql://me@host:port/x'\n", ["database", "port"]),
    ],
)
def test_a_wrong_setting_is_one_clear_line(tmp_path: Path, text: str, names: list[str]) -> None:
    with pytest.raises(SettingsInvalid) as raised:
        read_settings(folder(tmp_path, text))
    said = str(raised.value)
    assert "\n" not in said
    assert all(name in said for name in names), said


def test_a_database_address_with_its_password_is_never_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid) as raised:
        read_settings(folder(tmp_path, "practice: river\ndatabase: mysql://me:hush@host/x\n"))
    assert "hush" not in str(raised.value)


def test_no_folder_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="caredispatch init"):
        read_settings(tmp_path / "nowhere")


def test_the_key_is_made_for_its_owner_only_and_read_back(tmp_path: Path) -> None:
    key = write_key(tmp_path)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert read_key(tmp_path).text() == key.text()
    assert key.text() not in repr(key)


def test_a_key_that_others_can_read_is_refused_with_the_fix(tmp_path: Path) -> None:
    write_key(tmp_path)
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(KeyInvalid, match="chmod 600"):
        read_key(tmp_path)


@pytest.mark.parametrize("text", ["", "zz", "00" * 31, "00" * 33])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(KeyInvalid, match="64 hexadecimal"):
        MasterKey.read(text)


def test_the_key_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREDISPATCH_KEY", "ab" * 32)
    assert read_key(tmp_path).text() == "ab" * 32
    monkeypatch.setenv("CAREDISPATCH_KEY", "ab")
    with pytest.raises(KeyInvalid, match="CAREDISPATCH_KEY"):
        read_key(tmp_path)
