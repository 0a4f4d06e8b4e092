"""Kinds of answers, drafts and authors of practice tasks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    # Whatever was answered before was text; whatever there was came from a course folder.
    with op.batch_alter_table("attempt") as attempt:
        attempt.add_column(sa.Column("answer", sa.JSON(), nullable=True))
    with op.batch_alter_table("practice_task") as task:
        task.add_column(sa.Column("origin", sa.String(20), nullable=False, server_default="file"))
        task.add_column(sa.Column("archived_at", _MOMENT, nullable=True))
    op.create_table(
        "task_draft",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("form_key", sa.String(64), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("collection_id", sa.String(64), nullable=False),
        sa.Column("task_key", sa.String(100), nullable=True),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(20), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("created_by", sa.String(32), nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("changed_by", sa.String(32), nullable=True),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_task_draft_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["user_account.id"], name=op.f("fk_task_draft_created_by_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["user_account.id"], name=op.f("fk_task_draft_changed_by_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_draft")),
        sa.UniqueConstraint("form_key", name=op.f("uq_task_draft_form_key")),
    )
    with op.batch_alter_table("task_draft") as draft:
        draft.create_index("ix_task_draft_open", ["organisation_id", "state", "collection_id"])
    op.create_table(
        "answer_file",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("attempt_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("filename", sa.String(120), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempt.id"], name=op.f("fk_answer_file_attempt_id_attempt")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_answer_file_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_file")),
        sa.UniqueConstraint("attempt_id", name=op.f("uq_answer_file_attempt_id")),
    )
    with op.batch_alter_table("answer_file") as kept:
        kept.create_index(op.f("ix_answer_file_user_id"), ["user_id"])


def downgrade() -> None:
    op.drop_table("answer_file")
    op.drop_table("task_draft")
    with op.batch_alter_table("practice_task") as task:
        task.drop_column("archived_at")
        task.drop_column("origin")
    with op.batch_alter_table("attempt") as attempt:
        attempt.drop_column("answer")
