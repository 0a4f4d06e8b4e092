"""Rosters, notices, and the life of keys"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("tool_key") as key:
        key.add_column(sa.Column("public_pem", sa.String(2000), nullable=True))
        key.add_column(sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
        key.add_column(sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "token_lease",
        sa.Column("cache_key", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("cache_key", name=op.f("pk_token_lease")),
    )

    with op.batch_alter_table("membership") as membership:
        membership.add_column(sa.Column("status", sa.String(20), nullable=False, server_default="active"))
        membership.add_column(sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "roster",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("context_id", sa.String(32), nullable=False),
        sa.Column("url", sa.String(4000), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("launched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("whole_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("differences_url", sa.String(4000), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("lease_owner", sa.String(200), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["context_id"], ["context.id"], name=op.f("fk_roster_context_id_context")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster")),
        sa.UniqueConstraint("context_id", name=op.f("uq_roster_context_id")),
    )
    with op.batch_alter_table("roster") as roster:
        roster.create_index("ix_roster_due", ["due_at"], unique=False)

    op.create_table(
        "notice_service",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("deployment_id", sa.String(32), nullable=False),
        sa.Column("url", sa.String(4000), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("handlers", sa.JSON(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("lease_owner", sa.String(200), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployment.id"], name=op.f("fk_notice_service_deployment_id_deployment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_service")),
        sa.UniqueConstraint("deployment_id", name=op.f("uq_notice_service_deployment_id")),
    )
    with op.batch_alter_table("notice_service") as service:
        service.create_index("ix_notice_service_due", ["due_at"], unique=False)
    op.create_table(
        "platform_notice",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("deployment_id", sa.String(32), nullable=False),
        sa.Column("notice_id", sa.String(255), nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_owner", sa.String(200), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployment.id"], name=op.f("fk_platform_notice_deployment_id_deployment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_notice")),
        sa.UniqueConstraint(
            "deployment_id", "notice_id", name=op.f("uq_platform_notice_deployment_id_notice_id")
        ),
    )
    with op.batch_alter_table("platform_notice") as notice:
        notice.create_index("ix_platform_notice_due", ["state", "due_at"], unique=False)

    with op.batch_alter_table("score") as score:
        score.add_column(sa.Column("tried_version", sa.Integer(), nullable=False, server_default="0"))
        score.add_column(sa.Column("open_version", sa.Integer(), nullable=False, server_default="0"))
        score.add_column(sa.Column("bare_version", sa.Integer(), nullable=False, server_default="0"))
        score.add_column(sa.Column("delivered_points", sa.Float(), nullable=True))
        score.add_column(sa.Column("delivered_maximum", sa.Float(), nullable=True))
        score.add_column(
            sa.Column("needs_new_stamp", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        score.add_column(sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
        score.add_column(
            sa.Column("waits_for_connection", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        score.add_column(sa.Column("check_at", sa.DateTime(timezone=True), nullable=True))
        score.add_column(sa.Column("checks", sa.Integer(), nullable=False, server_default="0"))
        score.create_index("ix_score_check", ["state", "check_at"], unique=False)
    with op.batch_alter_table("resource_link") as link:
        link.add_column(sa.Column("has_gradebook", sa.Boolean(), nullable=True))
    # What was delivered before, and tried, as far as the row still tells: a version is a retry once it has its stamp.
    op.execute("UPDATE score SET tried_version = stamp_version WHERE last_stamp = stamp")
    op.execute(
        "UPDATE score SET delivered_points = points, delivered_maximum = points_maximum "
        "WHERE delivered_version = version"
    )
    op.execute("UPDATE score SET check_at = created_at WHERE state = 'delivered'")


def downgrade() -> None:
    with op.batch_alter_table("score") as score:
        score.drop_index("ix_score_check")
        for name in (
            "checks", "check_at", "waits_for_connection", "asked_at", "needs_new_stamp", "delivered_maximum",
            "delivered_points", "bare_version", "open_version", "tried_version",
        ):  # fmt: skip
            score.drop_column(name)
    with op.batch_alter_table("resource_link") as link:
        link.drop_column("has_gradebook")
    op.drop_table("platform_notice")
    op.drop_table("notice_service")
    op.drop_table("roster")
    with op.batch_alter_table("membership") as membership:
        membership.drop_column("listed_at")
        membership.drop_column("status")
    op.drop_table("token_lease")
    # A key that does not sign any more would sign again in the older schema, and its private half may be gone.
    op.execute("DELETE FROM tool_key WHERE retired_at IS NOT NULL OR revoked_at IS NOT NULL")
    with op.batch_alter_table("tool_key") as key:
        key.drop_column("revoked_at")
        key.drop_column("retired_at")
        key.drop_column("public_pem")
