"""Original bytes of documents, kept by their content hash. A Protocol, so that object storage can come in."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class FileMissing(LookupError):
    """The stored bytes of a document are gone; upload the file again."""

    key = "document-file-missing"


class FileStore(Protocol):
    def put(self, data: bytes) -> str:
        """Keeps the bytes and returns their key; the same bytes have the same key."""
        ...

    def read(self, key: str) -> bytes:
        """Raises FileMissing."""
        ...

    def delete(self, key: str) -> None:
        """Deleting what is not there is no error."""
        ...

    def keys(self) -> Iterator[str]: ...


class LocalFiles:
    """Files under one folder, named by their SHA-256. A file is complete or absent, never half written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> str:
        key = hashlib.sha256(data).hexdigest()
        path = self._path(key)
        if path.is_file():
            return key
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{key}.{secrets.token_hex(4)}")
        with partial.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        partial.replace(path)
        return key

    def read(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError as gone:
            raise FileMissing(f"The file {key[:12]}… is not in the file store. Upload it again.") from gone

    def delete(self, key: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._path(key).unlink()

    def keys(self) -> Iterator[str]:
        for path in sorted(self._folder.glob("??/*")):
            if not path.name.startswith("."):
                yield path.name

    def _path(self, key: str) -> Path:
        if len(key) != 64 or not set(key) <= set("0123456789abcdef"):
            raise ValueError("A file key is a SHA-256 in hex.")
        return self._folder / key[:2] / key
