"""Calls of chat models and what they cost"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spending",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("payer_id", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("tokens_spent", sa.BigInteger(), nullable=False),
        sa.Column("tokens_reserved", sa.BigInteger(), nullable=False),
        sa.Column("money_spent", sa.BigInteger(), nullable=False),
        sa.Column("money_reserved", sa.BigInteger(), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_spending_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("day", "kind", "payer_id", name=op.f("pk_spending")),
    )
    with op.batch_alter_table("spending") as spending:
        spending.create_index(op.f("ix_spending_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "spending_caps",
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("learner_tokens", sa.BigInteger(), nullable=True),
        sa.Column("course_tokens", sa.BigInteger(), nullable=True),
        sa.Column("organisation_tokens", sa.BigInteger(), nullable=True),
        sa.Column("learner_money", sa.BigInteger(), nullable=True),
        sa.Column("course_money", sa.BigInteger(), nullable=True),
        sa.Column("organisation_money", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_spending_caps_organisation_id_organisation"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_spending_caps")),
    )

    op.create_table(
        "model_call",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("context_id", sa.String(32), nullable=True),
        sa.Column("user_id", sa.String(32), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("outcome", sa.String(40), nullable=False),
        sa.Column("tokens_reserved", sa.BigInteger(), nullable=False),
        sa.Column("money_reserved", sa.BigInteger(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("is_estimated", sa.Boolean(), nullable=False),
        sa.Column("money", sa.BigInteger(), nullable=False),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_model_call_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["context_id"], ["context.id"], name=op.f("fk_model_call_context_id_context")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_call")),
    )
    with op.batch_alter_table("model_call") as call:
        call.create_index("ix_model_call_expiry", ["state", "expires_at"], unique=False)
        call.create_index(op.f("ix_model_call_reserved_at"), ["reserved_at"], unique=False)


def downgrade() -> None:
    op.drop_table("model_call")
    op.drop_table("spending_caps")
    op.drop_table("spending")
