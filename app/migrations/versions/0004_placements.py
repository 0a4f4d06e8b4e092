"""Placements, launches without a resource link, courses that were copied"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "placement",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("context_id", sa.String(32), nullable=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_placement_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(["context_id"], ["context.id"], name=op.f("fk_placement_context_id_context")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement")),
    )
    with op.batch_alter_table("placement") as placement:
        placement.create_index(op.f("ix_placement_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "context_copy",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("context_id", sa.String(32), nullable=False),
        sa.Column("origin_lti_id", sa.String(255), nullable=False),
        sa.Column("origin_context_id", sa.String(32), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["context_id"], ["context.id"], name=op.f("fk_context_copy_context_id_context")
        ),
        sa.ForeignKeyConstraint(
            ["origin_context_id"], ["context.id"], name=op.f("fk_context_copy_origin_context_id_context")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_context_copy")),
        sa.UniqueConstraint(
            "context_id", "origin_lti_id", name=op.f("uq_context_copy_context_id_origin_lti_id")
        ),
    )

    with op.batch_alter_table("resource_link") as link:
        link.add_column(sa.Column("placement_id", sa.String(32), nullable=True))
        link.create_foreign_key(
            op.f("fk_resource_link_placement_id_placement"), "placement", ["placement_id"], ["id"]
        )

    with op.batch_alter_table("user_account") as user:
        user.add_column(sa.Column("is_anonymous", sa.Boolean(), nullable=False, server_default=sa.false()))
        user.create_index(op.f("ix_user_account_is_anonymous"), ["is_anonymous"])
        user.drop_constraint(op.f("uq_user_account_registration_id_sub"), type_="unique")
        user.create_unique_constraint(
            op.f("uq_user_account_registration_id_organisation_id_sub"),
            ["registration_id", "organisation_id", "sub"],
        )

    with op.batch_alter_table("visit") as visit:
        visit.add_column(
            sa.Column("message_type", sa.String(60), nullable=False, server_default="LtiResourceLinkRequest")
        )
        visit.add_column(sa.Column("deep_linking", sa.JSON(), nullable=True))
        # Empty for visits from before: they end with the upgrade, and the next click tells to launch again.
        visit.add_column(sa.Column("deployment_id", sa.String(32), nullable=True))
        visit.create_foreign_key(op.f("fk_visit_deployment_id_deployment"), "deployment", ["deployment_id"], ["id"])
        visit.alter_column("context_id", existing_type=sa.String(32), nullable=True)
        visit.alter_column("resource_link_id", existing_type=sa.String(32), nullable=True)


def downgrade() -> None:
    # A visit outside an activity has no place in the older schema; it would have ended within the day.
    op.execute("DELETE FROM visit WHERE context_id IS NULL OR resource_link_id IS NULL")
    with op.batch_alter_table("visit") as visit:
        visit.alter_column("resource_link_id", existing_type=sa.String(32), nullable=False)
        visit.alter_column("context_id", existing_type=sa.String(32), nullable=False)
        visit.drop_constraint(op.f("fk_visit_deployment_id_deployment"), type_="foreignkey")
        visit.drop_column("deployment_id")
        visit.drop_column("deep_linking")
        visit.drop_column("message_type")
    # Fails, and changes nothing, where one person has come to two organisations of one registration meanwhile.
    with op.batch_alter_table("user_account") as user:
        user.drop_constraint(op.f("uq_user_account_registration_id_organisation_id_sub"), type_="unique")
        user.create_unique_constraint(
            op.f("uq_user_account_registration_id_sub"), ["registration_id", "sub"]
        )
        user.drop_index(op.f("ix_user_account_is_anonymous"))
        user.drop_column("is_anonymous")
    with op.batch_alter_table("resource_link") as link:
        link.drop_constraint(op.f("fk_resource_link_placement_id_placement"), type_="foreignkey")
        link.drop_column("placement_id")
    op.drop_table("context_copy")
    op.drop_table("placement")
