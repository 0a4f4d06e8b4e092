"""Administrators, invitations, and what each registration was last seen doing"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("deployment") as deployment:
        deployment.add_column(sa.Column("status", sa.String(20), nullable=False, server_default="active"))
    op.execute("UPDATE deployment SET status = CASE WHEN is_active THEN 'active' ELSE 'inactive' END")
    with op.batch_alter_table("deployment") as deployment:
        deployment.drop_column("is_active")
    with op.batch_alter_table("registration") as registration:
        registration.add_column(sa.Column("status", sa.String(20), nullable=False, server_default="active"))
        registration.add_column(sa.Column("scopes", sa.JSON(), nullable=False, server_default="[]"))

    op.create_table(
        "registration_health",
        sa.Column("registration_id", sa.String(32), nullable=False),
        sa.Column("last_launch_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_token_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("keys_read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("kids", sa.JSON(), nullable=False),
        sa.Column("last_error_kind", sa.String(20), nullable=True),
        sa.Column("last_error", sa.String(80), nullable=True),
        sa.Column("last_error_note", sa.String(300), nullable=True),
        sa.Column("last_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_registration_health_registration_id_registration"),
        ),
        sa.PrimaryKeyConstraint("registration_id", name=op.f("pk_registration_health")),
    )

    op.create_table(
        "admin_session",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("browser", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_session")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_admin_session_secret_hash")),
    )
    with op.batch_alter_table("admin_session") as session:
        session.create_index(op.f("ix_admin_session_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "invitation",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("secret_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("platform", sa.String(40), nullable=False),
        sa.Column("allow_private", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(80), nullable=True),
        sa.Column("problem_note", sa.String(500), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("registration_id", sa.String(32), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_invitation_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_invitation_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_invitation_secret_hash")),
    )


def downgrade() -> None:
    op.drop_table("invitation")
    op.drop_table("admin_session")
    op.drop_table("registration_health")
    with op.batch_alter_table("registration") as registration:
        registration.drop_column("scopes")
        registration.drop_column("status")
    with op.batch_alter_table("deployment") as deployment:
        deployment.add_column(sa.Column("is_active", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.execute("UPDATE deployment SET is_active = (status = 'active')")
    with op.batch_alter_table("deployment") as deployment:
        deployment.drop_column("status")
