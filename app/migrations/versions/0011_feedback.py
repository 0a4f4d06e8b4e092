"""Self-assessment, contests and unaided re-checks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# An attempt is a fact: it may be erased with its person, and never be changed.
_SQLITE = """
CREATE TRIGGER attempt_is_never_changed BEFORE UPDATE ON attempt
BEGIN SELECT RAISE(ABORT, 'an attempt is never changed'); END
"""
_POSTGRES_FUNCTION = """
CREATE FUNCTION refuse_changed_attempt() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'an attempt is never changed'; END $$
"""
_POSTGRES = """
CREATE TRIGGER attempt_is_never_changed BEFORE UPDATE ON attempt
FOR EACH ROW EXECUTE FUNCTION refuse_changed_attempt()
"""


def _place_columns() -> list[sa.Column[str]]:
    """What says whose a row is, and where."""
    return [
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("context_id", sa.String(32), nullable=False),
        sa.Column("resource_link_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
    ]


def _place_keys(table: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))
        for column, target in (
            ("organisation_id", "organisation"),
            ("context_id", "context"),
            ("resource_link_id", "resource_link"),
            ("user_id", "user_account"),
        )
    ]


def upgrade() -> None:
    op.create_table(
        "recheck",
        sa.Column("id", sa.String(32), nullable=False),
        *_place_columns(),
        sa.Column("task_id", sa.String(32), nullable=False),
        sa.Column("task_key", sa.String(100), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *_place_keys("recheck"),
        sa.ForeignKeyConstraint(
            ["task_id"], ["practice_task.id"], name=op.f("fk_recheck_task_id_practice_task")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recheck")),
        sa.UniqueConstraint(
            "user_id",
            "context_id",
            "task_key",
            name=op.f("uq_recheck_user_id_context_id_task_key"),
        ),
    )
    op.create_index("ix_recheck_person", "recheck", ["user_id", "context_id", "state"])
    with op.batch_alter_table("attempt") as attempt:
        attempt.add_column(sa.Column("remarks", sa.JSON(), nullable=False, server_default="{}"))
        attempt.add_column(sa.Column("recheck_id", sa.String(32), nullable=True))
        attempt.create_foreign_key(op.f("fk_attempt_recheck_id_recheck"), "recheck", ["recheck_id"], ["id"])
        attempt.create_unique_constraint(op.f("uq_attempt_recheck_id"), ["recheck_id"])
    with op.batch_alter_table("confirmation") as confirmation:
        confirmation.alter_column("reviewer_id", existing_type=sa.String(32), nullable=True)
    op.create_table(
        "self_assessment",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("attempt_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("criteria", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempt.id"], name=op.f("fk_self_assessment_attempt_id_attempt")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_self_assessment_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_self_assessment")),
        sa.UniqueConstraint("attempt_id", "number", name=op.f("uq_self_assessment_attempt_id_number")),
    )
    op.create_index("ix_self_assessment_user_id", "self_assessment", ["user_id"])
    op.create_table(
        "practice_end",
        sa.Column("id", sa.String(32), nullable=False),
        *_place_columns(),
        sa.Column("task_id", sa.String(32), nullable=False),
        sa.Column("task_key", sa.String(100), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        *_place_keys("practice_end"),
        sa.ForeignKeyConstraint(
            ["task_id"], ["practice_task.id"], name=op.f("fk_practice_end_task_id_practice_task")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practice_end")),
        sa.UniqueConstraint(
            "user_id",
            "context_id",
            "task_key",
            name=op.f("uq_practice_end_user_id_context_id_task_key"),
        ),
    )
    op.create_table(
        "contest",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        *_place_columns(),
        sa.Column("attempt_id", sa.String(32), nullable=False),
        sa.Column("criterion", sa.String(100), nullable=False),
        sa.Column("about", sa.String(20), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("agrees", sa.Boolean(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.String(32), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *_place_keys("contest"),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_contest_attempt_id_attempt")),
        sa.ForeignKeyConstraint(
            ["answered_by"], ["user_account.id"], name=op.f("fk_contest_answered_by_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contest")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_contest_user_id_key")),
    )
    op.create_index("ix_contest_queue", "contest", ["context_id", "state"])
    op.create_index("ix_contest_attempt", "contest", ["attempt_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_POSTGRES_FUNCTION)
        op.execute(_POSTGRES)
    else:
        op.execute(_SQLITE)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER attempt_is_never_changed ON attempt")
        op.execute("DROP FUNCTION refuse_changed_attempt()")
    else:
        op.execute("DROP TRIGGER attempt_is_never_changed")
    for table in ("contest", "practice_end", "self_assessment"):
        op.drop_table(table)
    # A policy's decision has no reviewer, and the older schema has no place for it: what hangs on it goes first.
    op.execute("DELETE FROM delivery WHERE score_id IN (SELECT score.id FROM score JOIN confirmation "
               "ON confirmation.id = score.confirmation_id WHERE confirmation.reviewer_id IS NULL)")  # fmt: skip
    op.execute(
        "DELETE FROM score WHERE confirmation_id IN (SELECT id FROM confirmation WHERE reviewer_id IS NULL)"
    )
    op.execute("DELETE FROM confirmation WHERE reviewer_id IS NULL")
    with op.batch_alter_table("confirmation") as confirmation:
        confirmation.alter_column("reviewer_id", existing_type=sa.String(32), nullable=False)
    # So has the answer of a re-check: it would read as one more assisted attempt.
    op.execute(
        "DELETE FROM confirmation WHERE evidence_id IN (SELECT id FROM evidence WHERE kind = 'recheck')"
    )
    op.execute("DELETE FROM evidence WHERE kind = 'recheck'")
    op.execute("DELETE FROM attempt WHERE recheck_id IS NOT NULL")
    with op.batch_alter_table("attempt") as attempt:
        attempt.drop_constraint(op.f("uq_attempt_recheck_id"), type_="unique")
        attempt.drop_constraint(op.f("fk_attempt_recheck_id_recheck"), type_="foreignkey")
        attempt.drop_column("recheck_id")
        attempt.drop_column("remarks")
    op.drop_table("recheck")
