"""Action plans, check-ins and begun claims"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "action_plan",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("context_id", sa.String(32), nullable=False),
        sa.Column("resource_link_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("source", sa.String(120), nullable=False),
        sa.Column("skill_key", sa.String(100), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("locale", sa.String(10), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_action_plan_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["context_id"], ["context.id"], name=op.f("fk_action_plan_context_id_context")
        ),
        sa.ForeignKeyConstraint(
            ["resource_link_id"], ["resource_link.id"], name=op.f("fk_action_plan_resource_link_id_resource_link")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_action_plan_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action_plan")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_action_plan_user_id_key")),
    )
    op.create_index("ix_action_plan_person", "action_plan", ["user_id", "context_id"])
    op.create_index("ix_action_plan_shared", "action_plan", ["context_id", "is_shared"])
    op.create_table(
        "plan_version",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("plan_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("cue", sa.Text(), nullable=False),
        sa.Column("cue_on", sa.Date(), nullable=True),
        sa.Column("cue_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("obstacle", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("known_by", sa.Text(), nullable=False),
        sa.Column("wanting", sa.String(20), nullable=False),
        sa.Column("question", sa.String(300), nullable=False),
        sa.Column("is_by_model", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["action_plan.id"], name=op.f("fk_plan_version_plan_id_action_plan")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_version")),
        sa.UniqueConstraint("plan_id", "key", name=op.f("uq_plan_version_plan_id_key")),
        sa.UniqueConstraint("plan_id", "number", name=op.f("uq_plan_version_plan_id_number")),
    )
    op.create_table(
        "check_in",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("plan_id", sa.String(32), nullable=False),
        sa.Column("version_id", sa.String(32), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.String(200), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["action_plan.id"], name=op.f("fk_check_in_plan_id_action_plan")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["plan_version.id"], name=op.f("fk_check_in_version_id_plan_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_in")),
        sa.UniqueConstraint("version_id", "slot", name=op.f("uq_check_in_version_id_slot")),
    )
    op.create_index("ix_check_in_due", "check_in", ["state", "due_at"])
    op.create_index("ix_check_in_plan", "check_in", ["plan_id", "state"])
    op.create_table(
        "check_in_answer",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("check_in_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("answer", sa.String(10), nullable=False),
        sa.Column("happened", sa.Text(), nullable=False),
        sa.Column("in_the_way", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["check_in_id"], ["check_in.id"], name=op.f("fk_check_in_answer_check_in_id_check_in")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_in_answer")),
        sa.UniqueConstraint("check_in_id", "key", name=op.f("uq_check_in_answer_check_in_id_key")),
        sa.UniqueConstraint("check_in_id", "number", name=op.f("uq_check_in_answer_check_in_id_number")),
    )
    op.create_table(
        "plan_rehearsal",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("plan_id", sa.String(32), nullable=False),
        sa.Column("version_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("debrief", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["action_plan.id"], name=op.f("fk_plan_rehearsal_plan_id_action_plan")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["plan_version.id"], name=op.f("fk_plan_rehearsal_version_id_plan_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_rehearsal")),
        sa.UniqueConstraint("plan_id", "key", name=op.f("uq_plan_rehearsal_plan_id_key")),
        sa.UniqueConstraint("plan_id", "number", name=op.f("uq_plan_rehearsal_plan_id_number")),
    )
    op.create_table(
        "rehearsal_turn",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("rehearsal_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("scene", sa.Text(), nullable=False),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("said", sa.Text(), nullable=True),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["rehearsal_id"], ["plan_rehearsal.id"], name=op.f("fk_rehearsal_turn_rehearsal_id_plan_rehearsal")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rehearsal_turn")),
        sa.UniqueConstraint("rehearsal_id", "number", name=op.f("uq_rehearsal_turn_rehearsal_id_number")),
    )
    op.create_table(
        "plan_reminder",
        sa.Column("plan_id", sa.String(32), nullable=False),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["action_plan.id"], name=op.f("fk_plan_reminder_plan_id_action_plan")
        ),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_plan_reminder")),
    )
    op.create_table(
        "application_claim",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("context_id", sa.String(32), nullable=False),
        sa.Column("resource_link_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("plan_id", sa.String(32), nullable=False),
        sa.Column("version_id", sa.String(32), nullable=False),
        sa.Column("check_in_id", sa.String(32), nullable=False),
        sa.Column("answer_id", sa.String(32), nullable=False),
        sa.Column("skill_key", sa.String(100), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("what_was_done", sa.Text(), nullable=False),
        sa.Column("what_came_of_it", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_application_claim_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["context_id"], ["context.id"], name=op.f("fk_application_claim_context_id_context")
        ),
        sa.ForeignKeyConstraint(
            ["resource_link_id"], ["resource_link.id"], name=op.f("fk_application_claim_resource_link_id_resource_link")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_application_claim_user_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["action_plan.id"], name=op.f("fk_application_claim_plan_id_action_plan")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["plan_version.id"], name=op.f("fk_application_claim_version_id_plan_version")
        ),
        sa.ForeignKeyConstraint(
            ["check_in_id"], ["check_in.id"], name=op.f("fk_application_claim_check_in_id_check_in")
        ),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["check_in_answer.id"], name=op.f("fk_application_claim_answer_id_check_in_answer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_claim")),
        sa.UniqueConstraint("answer_id", name=op.f("uq_application_claim_answer_id")),
    )
    op.create_index("ix_application_claim_person", "application_claim", ["user_id", "context_id"])


def downgrade() -> None:
    for table in (
        "application_claim", "plan_reminder", "rehearsal_turn", "plan_rehearsal", "check_in_answer", "check_in", "plan_version", "action_plan",
    ):
        op.drop_table(table)
