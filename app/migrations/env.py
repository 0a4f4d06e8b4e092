"""Alembic's environment: both metadatas (the application's and retrieval's), one transaction for each migration."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.types import TypeDecorator

import app.kit.audit
import app.main  # noqa: F401 - imports every room, so that all tables are known
from app.kit.db import Base
from retrieval.models import RetrievalBase


def render_type(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """A migration is history and names no type of ours: a time is the database's time."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


url = context.config.attributes["url"]
target_metadata = [Base.metadata, RetrievalBase.metadata]

engine = create_engine(url)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=target_metadata,
        render_as_batch=True,
        transaction_per_migration=True,
        compare_type=True,
        render_item=render_type,
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
