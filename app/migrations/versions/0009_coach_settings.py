"""How a coach helps, ready prompts, hints and explain-backs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "coach_settings",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("resource_link_id", sa.String(32), nullable=False),
        sa.Column("mode", sa.String(10), nullable=False),
        sa.Column("learner_may_choose", sa.Boolean(), nullable=False),
        sa.Column("offers_content_starters", sa.Boolean(), nullable=False),
        sa.Column("starters", sa.JSON(), nullable=False),
        sa.Column("prompts", sa.JSON(), nullable=False),
        sa.Column("hidden_prompts", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.String(32), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_coach_settings_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["resource_link_id"],
            ["resource_link.id"],
            name=op.f("fk_coach_settings_resource_link_id_resource_link"),
        ),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["user_account.id"], name=op.f("fk_coach_settings_changed_by_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coach_settings")),
        sa.UniqueConstraint("resource_link_id", name=op.f("uq_coach_settings_resource_link_id")),
    )
    op.create_index("ix_coach_settings_organisation_id", "coach_settings", ["organisation_id"])
    op.create_table(
        "mode_choice",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("resource_link_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("mode", sa.String(10), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_link_id"],
            ["resource_link.id"],
            name=op.f("fk_mode_choice_resource_link_id_resource_link"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_mode_choice_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mode_choice")),
        sa.UniqueConstraint(
            "resource_link_id", "user_id", name=op.f("uq_mode_choice_resource_link_id_user_id")
        ),
    )
    op.create_index("ix_mode_choice_user_id", "mode_choice", ["user_id"])
    op.create_table(
        "own_prompt",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("context_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("text", sa.String(1000), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["context_id"], ["context.id"], name=op.f("fk_own_prompt_context_id_context")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_own_prompt_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_prompt")),
    )
    op.create_index("ix_own_prompt_person", "own_prompt", ["user_id", "context_id"])
    op.create_table(
        "starter_check",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("wanted", sa.String(200), nullable=False),
        sa.Column("checked", sa.String(200), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.String(200), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_starter_check_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_starter_check")),
        sa.UniqueConstraint("subject", name=op.f("uq_starter_check_subject")),
    )
    op.create_index("ix_starter_check_organisation_id", "starter_check", ["organisation_id"])
    op.create_table(
        "ready_prompt",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("collection_id", sa.String(64), nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_ready_prompt_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ready_prompt")),
        sa.UniqueConstraint(
            "organisation_id",
            "collection_id",
            "key",
            name=op.f("uq_ready_prompt_organisation_id_collection_id_key"),
        ),
    )
    op.create_index("ix_ready_prompt_organisation_id", "ready_prompt", ["organisation_id"])
    # Everything that was asked before was answered whole.
    with op.batch_alter_table("turn") as turn:
        turn.add_column(sa.Column("mode", sa.String(10), nullable=False, server_default="help"))
        turn.add_column(sa.Column("mode_reason", sa.String(20), nullable=False, server_default=""))
        turn.add_column(sa.Column("hint_level", sa.Integer(), nullable=False, server_default="4"))
        turn.add_column(sa.Column("unblocked", sa.String(10), nullable=True))
        turn.add_column(sa.Column("unblocked_at", sa.DateTime(timezone=True), nullable=True))
        turn.add_column(sa.Column("explain_back", sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("turn") as turn:
        for name in ("explain_back", "unblocked_at", "unblocked", "hint_level", "mode_reason", "mode"):
            turn.drop_column(name)
    for table in ("ready_prompt", "starter_check", "own_prompt", "mode_choice", "coach_settings"):
        op.drop_table(table)
