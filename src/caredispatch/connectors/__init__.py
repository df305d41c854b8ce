"""The outside systems, one folder each: code, `manifest.toml`, `samples/`. They know the contract and not each other;
there is no retry, sleep, storage, clock or environment here."""
