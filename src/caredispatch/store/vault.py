"""The vault: names, addresses, free text, raw payloads and connection secrets, encrypted under a key for each subject
that the practice's master key wraps (AES-256-GCM, envelope). Erasing a person is destroying their key (E28). Look-up by
value goes through a keyed hash; nothing here is readable by the users that decide or draw pages (E25)."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from caredispatch.store.pools import Connection

_NONCE = 12


class KeyInvalid(Exception):
    """The key is missing, malformed, or not the one that this database was written with."""


class MasterKey:
    """The practice's 256-bit key. Everything else (wrapping, hashing, database passwords, link signatures, checkpoint
    signatures) is derived from it by HKDF under a name of its own."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) != 32:
            raise KeyInvalid("the key must be 64 hexadecimal digits (32 bytes)")
        self._raw = raw
        self._wrap = AESGCM(self.derive("wrap"))
        self._hash = self.derive("identity-hash")

    def __repr__(self) -> str:
        return "MasterKey(…)"

    @classmethod
    def new(cls) -> MasterKey:
        """A fresh random key."""
        return cls(secrets.token_bytes(32))

    @classmethod
    def read(cls, text: str) -> MasterKey:
        """The key of its hexadecimal text. Raises KeyInvalid."""
        try:
            return cls(bytes.fromhex(text.strip()))
        except ValueError:
            raise KeyInvalid("the key must be 64 hexadecimal digits (32 bytes)") from None

    @classmethod
    def load(cls, path: Path) -> MasterKey:
        """The key in a file that only its owner may read. Raises KeyInvalid naming the file and the fix."""
        try:
            mode = path.stat().st_mode & 0o077
            text = path.read_text("ascii")
        except FileNotFoundError:
            raise KeyInvalid(f"no key at {path}: restore your recovery copy there, mode 0600") from None
        except (OSError, UnicodeDecodeError) as error:
            raise KeyInvalid(f"the key at {path} can't be read: {error}") from None
        if mode:
            raise KeyInvalid(f"the key at {path} is open to others: run chmod 600 {path}")
        return cls.read(text)

    def text(self) -> str:
        """The key as it is written to its file."""
        return self._raw.hex()

    def derive(self, name: str) -> bytes:
        """32 bytes for one purpose."""
        return HKDF(SHA256(), 32, salt=None, info=f"caredispatch/{name}".encode()).derive(self._raw)

    def database_passwords(self) -> dict[str, str]:
        """The passwords of the four database users."""
        return {user: self.derive(f"database/{user}").hex() for user in ("intake", "decide", "reveal", "web")}

    def hash(self, kind: str, value: str) -> bytes:
        """The keyed hash under which a value is looked up."""
        return hmac.new(self._hash, f"{kind}\x1f{value}".encode(), sha256).digest()

    def wrap(self, data_key: bytes, subject: str) -> bytes:
        """A subject's data key, encrypted."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._wrap.encrypt(nonce, data_key, subject.encode())

    def unwrap(self, wrapped: bytes, subject: str) -> bytes:
        """A subject's data key. Raises KeyInvalid when this key did not wrap it."""
        try:
            return self._wrap.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], subject.encode())
        except InvalidTag:
            raise KeyInvalid("this key does not open the vault: it is not the key the data was written with") from None


class Vault:
    """Encrypts and decrypts for the tables of schema `vault`."""

    def __init__(self, key: MasterKey) -> None:
        self.key = key
        self._practice_keys: dict[str, AESGCM] = {}

    def __repr__(self) -> str:
        return "Vault(…)"

    async def data_keys(self, connection: Connection, practice_id: str, subjects: Iterable[str]) -> dict[str, AESGCM]:
        """The keys of some subjects; those that have none get one."""
        wanted = sorted(set(subjects))
        fresh = {s: self.key.wrap(secrets.token_bytes(32), s) for s in wanted}
        await connection.execute(
            "insert into vault.data_keys (practice_id, subject_id, wrapped) "
            "select $1, subject, wrapped from unnest($2::uuid[], $3::bytea[]) as t(subject, wrapped) on conflict "
            "do nothing",
            practice_id,
            list(fresh),
            list(fresh.values()),
        )
        return await self.known_keys(connection, practice_id, wanted)

    async def known_keys(self, connection: Connection, practice_id: str, subjects: Iterable[str]) -> dict[str, AESGCM]:
        """The keys of some subjects, for reading; one without (erased) is left out."""
        rows = await connection.fetch(
            "select subject_id, wrapped from vault.data_keys where practice_id = $1 and subject_id = any($2)",
            practice_id,
            sorted(set(subjects)),
        )
        return {row[0]: AESGCM(self.key.unwrap(row[1], row[0])) for row in rows}

    def open(self, subject: str, wrapped: bytes, about: str, body: bytes) -> bytes:
        """Decrypt one value under its subject's wrapped key. Raises KeyInvalid."""
        return self.unseal(AESGCM(self.key.unwrap(wrapped, subject)), about, body)

    @staticmethod
    def seal(key: AESGCM, about: str, value: object) -> bytes:
        """Encrypt one value (JSON, or bytes as they are), bound to what it is `about`."""
        plain = value if isinstance(value, bytes) else orjson.dumps(value)
        nonce = secrets.token_bytes(_NONCE)
        return nonce + key.encrypt(nonce, plain, about.encode())

    @staticmethod
    def unseal(key: AESGCM, about: str, body: bytes) -> bytes:
        """Decrypt one value. Raises KeyInvalid when it was moved or tampered with."""
        try:
            return key.decrypt(body[:_NONCE], body[_NONCE:], about.encode())
        except InvalidTag:
            raise KeyInvalid(f"the vault's entry for {about} does not decrypt") from None

    async def put_payload(self, connection: Connection, practice_id: str, payload_id: str, body: bytes) -> None:
        """Keep raw bytes (a notice, somebody's words) under the practice's key."""
        key = await self.practice_key(connection, practice_id)
        await connection.execute(
            "insert into vault.payloads (practice_id, payload_id, body) values ($1, $2, $3) on conflict do nothing",
            practice_id,
            payload_id,
            self.seal(key, payload_id, body),
        )

    async def get_payloads(self, connection: Connection, practice_id: str, ids: list[str]) -> dict[str, bytes]:
        """Raw bytes by id."""
        key = await self.practice_key(connection, practice_id)
        rows = await connection.fetch(
            "select payload_id, body from vault.payloads where practice_id = $1 and payload_id = any($2)",
            practice_id,
            ids,
        )
        return {row[0]: self.unseal(key, row[0], row[1]) for row in rows}

    async def practice_key(self, connection: Connection, practice_id: str) -> AESGCM:
        """The practice's own data key, kept in memory once read."""
        if practice_id not in self._practice_keys:
            found = await self.known_keys(connection, practice_id, [practice_id])
            if not found:
                found = await self.data_keys(connection, practice_id, [practice_id])
            self._practice_keys[practice_id] = found[practice_id]
        return self._practice_keys[practice_id]
