"""Scenarios, runs and turns of simulations"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scenario",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("collection_id", sa.String(64), nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("skill_key", sa.String(100), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_scenario_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenario")),
        sa.UniqueConstraint(
            "organisation_id", "key", "version", name=op.f("uq_scenario_organisation_id_key_version")
        ),
    )
    op.create_index("ix_scenario_current", "scenario", ["organisation_id", "collection_id", "is_current"])
    op.create_table(
        "own_situation",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("context_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("locale", sa.String(20), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("opening", sa.Text(), nullable=False),
        sa.Column("hard", sa.Text(), nullable=False),
        sa.Column("wants", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_own_situation_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["context_id"], ["context.id"], name=op.f("fk_own_situation_context_id_context")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_own_situation_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_situation")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_own_situation_user_id_key")),
    )
    op.create_table(
        "simulation_run",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("context_id", sa.String(32), nullable=False),
        sa.Column("resource_link_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("scenario_id", sa.String(32), nullable=True),
        sa.Column("scenario_key", sa.String(100), nullable=False),
        sa.Column("situation_id", sa.String(32), nullable=True),
        sa.Column("engine", sa.String(20), nullable=False),
        sa.Column("locale", sa.String(20), nullable=False),
        sa.Column("parent_id", sa.String(32), nullable=True),
        sa.Column("from_position", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_simulation_run_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["context_id"], ["context.id"], name=op.f("fk_simulation_run_context_id_context")
        ),
        sa.ForeignKeyConstraint(
            ["resource_link_id"],
            ["resource_link.id"],
            name=op.f("fk_simulation_run_resource_link_id_resource_link"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_simulation_run_user_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["scenario_id"], ["scenario.id"], name=op.f("fk_simulation_run_scenario_id_scenario")
        ),
        sa.ForeignKeyConstraint(
            ["situation_id"], ["own_situation.id"], name=op.f("fk_simulation_run_situation_id_own_situation")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["simulation_run.id"], name=op.f("fk_simulation_run_parent_id_simulation_run")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_simulation_run")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_simulation_run_user_id_key")),
    )
    op.create_index("ix_simulation_run_person", "simulation_run", ["user_id", "resource_link_id"])
    op.create_index("ix_simulation_run_situation_id", "simulation_run", ["situation_id"])
    op.create_table(
        "simulation_turn",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("choice", sa.String(100), nullable=False),
        sa.Column("near", sa.JSON(), nullable=False),
        sa.Column("node", sa.String(100), nullable=False),
        sa.Column("mood", sa.String(20), nullable=False),
        sa.Column("opened", sa.JSON(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("is_end", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["simulation_run.id"], name=op.f("fk_simulation_turn_run_id_simulation_run")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_simulation_turn")),
        sa.UniqueConstraint("run_id", "key", name=op.f("uq_simulation_turn_run_id_key")),
        sa.UniqueConstraint(
            "run_id", "position", "revision", name=op.f("uq_simulation_turn_run_id_position_revision")
        ),
    )
    op.create_table(
        "simulation_debrief",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("view", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["simulation_run.id"], name=op.f("fk_simulation_debrief_run_id_simulation_run")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_simulation_debrief")),
        sa.UniqueConstraint("run_id", name=op.f("uq_simulation_debrief_run_id")),
    )


def downgrade() -> None:
    for table in ("simulation_debrief", "simulation_turn", "simulation_run", "own_situation", "scenario"):
        op.drop_table(table)
