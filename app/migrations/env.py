"""Alembic's environment: both metadatas (the application's and retrieval's), one transaction for each migration."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine

import app.kit.audit
import app.main  # noqa: F401 - imports every room, so that all tables are known
from app.kit.db import Base
from retrieval.models import RetrievalBase

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
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
