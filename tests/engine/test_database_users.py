"""Four users, each with what its work needs (E25, E26); an append-only journal whose tampering shows (E28)."""

from __future__ import annotations

import asyncpg
import pytest

from caredispatch.app.composing import prepare_database
from caredispatch.core.ids import make_id
from caredispatch.store import checkpoints, schema
from caredispatch.store.server import EmbeddedServer
from caredispatch.store.vault import KeyInvalid, MasterKey
from tests.engine.house import KEY, PRACTICE, House, house_on, visit

VAULT = ("people", "addresses", "identities", "payloads", "secrets", "data_keys")
OTHER = make_id("practice", "elsewhere")


@pytest.mark.parametrize("user", ["decide", "web"])
@pytest.mark.parametrize("table", VAULT)
async def test_who_decides_and_who_draws_pages_reads_no_vault(house: House, user: str, table: str) -> None:
    async with getattr(house.pools, user).acquire() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(f"select * from vault.{table}")


@pytest.mark.parametrize("user", ["decide", "web"])
async def test_pages_and_decisions_see_only_the_practice_in_hand(house: House, user: str) -> None:
    await house.push(visit())
    await house.work()
    async with getattr(house.pools, user).acquire() as connection:
        assert await connection.fetchval("select count(*) from care.appointments") == 0
        async with connection.transaction():
            await connection.execute("select set_config('care.practice', $1, true)", OTHER)
            assert await connection.fetchval("select count(*) from care.appointments") == 0
        async with connection.transaction():
            await connection.execute("select set_config('care.practice', $1, true)", PRACTICE)
            assert await connection.fetchval("select count(*) from care.appointments") == 1


@pytest.mark.parametrize("order", ["update care.journal set body = ''", "delete from care.journal"])
async def test_nobody_of_the_four_changes_the_journal(house: House, order: str) -> None:
    for pool in (house.pools.intake, house.pools.decide, house.pools.reveal, house.pools.web):
        async with pool.acquire() as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(order)


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        ("update care.journal set body = body || ' ' where seq = 1", "was changed"),
        ("delete from care.journal where seq = 1", "is missing"),
        ("update care.checkpoints set signature = '\\x00'", "is not ours"),
        ("delete from care.journal", "is not what the checkpoint"),
    ],
)
async def test_tampering_with_the_journal_shows(house: House, harm: str, found: str) -> None:
    await house.push(visit())
    await house.work()
    key = KEY.derive("checkpoint")
    async with house.pools.decide.acquire() as connection, connection.transaction():
        assert await checkpoints.write(connection, PRACTICE, house.clock.at, key) > 0
    async with house.owner.transaction():
        assert (await checkpoints.verify(house.owner, PRACTICE, key)).wrong == ()
    await house.owner.execute(harm)
    async with house.owner.transaction():
        wrong = (await checkpoints.verify(house.owner, PRACTICE, key)).wrong
    assert any(found in line for line in wrong), wrong


async def test_another_key_is_refused(house: House) -> None:
    with pytest.raises(KeyInvalid, match="not the key"):
        await prepare_database(house.dsn, MasterKey(bytes(32)))


async def test_a_newer_schema_is_refused_and_an_upgrade_keeps_the_data(house: House) -> None:
    await house.push(visit())
    await house.work()
    await schema.migrate(house.dsn)
    assert await house.count("appointments") == 1
    await house.owner.execute("update alembic_version set version_num = '9999'")
    with pytest.raises(schema.SchemaNewer, match="9999"):
        await schema.migrate(house.dsn)


async def test_it_works_without_a_statement_cache(pg: EmbeddedServer) -> None:
    async with house_on(pg, "house_uncached", statement_cache=0) as house:
        await house.push(visit())
        await house.play(seconds=20)
        assert await house.texts() != []


@pytest.mark.parametrize("table", ["people", "addresses", "payloads", "secrets"])
async def test_who_takes_in_reads_nothing_back(house: House, table: str) -> None:
    async with house.pools.intake.acquire() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(f"select * from vault.{table}")


async def test_a_second_installation_on_one_server_is_refused_and_changes_nothing(house: House) -> None:
    other = MasterKey(bytes(range(1, 33)))
    with pytest.raises(schema.UsersTaken, match="another installation uses this PostgreSQL server"):
        await schema.claim_users(house.dsn, f"caredispatch {other.derive('installation').hex()[:16]}")
    async with house.pools.intake.acquire() as connection:
        await connection.execute("select 1")


async def test_an_address_with_options_of_the_driver_is_migrated_too(house: House) -> None:
    await schema.migrate(f"{house.dsn}?sslmode=disable")
