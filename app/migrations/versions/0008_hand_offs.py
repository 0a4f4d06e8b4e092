"""Questions handed to experts, experts' answers and the links to give them, content gaps, mail"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("expert") as expert:
        expert.alter_column("collection_id", existing_type=sa.String(64), nullable=True)
        expert.add_column(sa.Column("context_id", sa.String(32), nullable=True))
        expert.add_column(sa.Column("key", sa.String(100), nullable=True))
        expert.add_column(sa.Column("user_id", sa.String(32), nullable=True))
        expert.add_column(sa.Column("email", sa.String(254), nullable=True))
        expert.add_column(sa.Column("skills", sa.JSON(), nullable=False, server_default="[]"))
        expert.add_column(sa.Column("answer_days", sa.Integer(), nullable=True))
        expert.add_column(sa.Column("is_active", sa.Boolean(), nullable=False, server_default=sa.true()))
        expert.create_foreign_key(op.f("fk_expert_context_id_context"), "context", ["context_id"], ["id"])
        expert.create_foreign_key(op.f("fk_expert_user_id_user_account"), "user_account", ["user_id"], ["id"])
        expert.create_index(op.f("ix_expert_context_id"), ["context_id"])
        expert.create_index(op.f("ix_expert_user_id"), ["user_id"])

    op.create_table(
        "hand_off",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("context_id", sa.String(32), nullable=False),
        sa.Column("resource_link_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("turn_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("expert_id", sa.String(32), nullable=True),
        sa.Column("fallback_expert_id", sa.String(32), nullable=True),
        sa.Column("collection_id", sa.String(64), nullable=True),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("situation", sa.Text(), nullable=False),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("shows_name", sa.Boolean(), nullable=False),
        sa.Column("locale", sa.String(10), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("sent_at", _MOMENT, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("step_at", _MOMENT, nullable=True),
        sa.Column("reminded_at", _MOMENT, nullable=True),
        sa.Column("passed_on_at", _MOMENT, nullable=True),
        sa.Column("answered_at", _MOMENT, nullable=True),
        sa.Column("withdrawn_at", _MOMENT, nullable=True),
        sa.Column("seen_at", _MOMENT, nullable=True),
        sa.Column("lease_owner", sa.String(200), nullable=True),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_hand_off_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(["context_id"], ["context.id"], name=op.f("fk_hand_off_context_id_context")),
        sa.ForeignKeyConstraint(
            ["resource_link_id"], ["resource_link.id"], name=op.f("fk_hand_off_resource_link_id_resource_link")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_hand_off_user_id_user_account")
        ),
        sa.ForeignKeyConstraint(["expert_id"], ["expert.id"], name=op.f("fk_hand_off_expert_id_expert")),
        sa.ForeignKeyConstraint(
            ["fallback_expert_id"], ["expert.id"], name=op.f("fk_hand_off_fallback_expert_id_expert")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_off")),
        sa.UniqueConstraint("turn_id", "number", name=op.f("uq_hand_off_turn_id_number")),
    )
    with op.batch_alter_table("hand_off") as hand_off:
        hand_off.create_index("ix_hand_off_step", ["state", "step_at"])
        hand_off.create_index("ix_hand_off_asker", ["user_id", "context_id"])
        hand_off.create_index("ix_hand_off_queue", ["context_id", "state"])
        hand_off.create_index(op.f("ix_hand_off_expert_id"), ["expert_id"])

    op.create_table(
        "expert_answer",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("hand_off_id", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("expert_id", sa.String(32), nullable=True),
        sa.Column("user_id", sa.String(32), nullable=True),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("via", sa.String(10), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("is_citable", sa.Boolean(), nullable=False),
        sa.Column("reviewed_on", sa.Date(), nullable=False),
        sa.Column("review_due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("collection_id", sa.String(64), nullable=True),
        sa.Column("document_id", sa.String(32), nullable=True),
        sa.Column("filename", sa.String(200), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_expert_answer_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["hand_off_id"], ["hand_off.id"], name=op.f("fk_expert_answer_hand_off_id_hand_off")
        ),
        sa.ForeignKeyConstraint(["expert_id"], ["expert.id"], name=op.f("fk_expert_answer_expert_id_expert")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_expert_answer_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expert_answer")),
        sa.UniqueConstraint("hand_off_id", "version", name=op.f("uq_expert_answer_hand_off_id_version")),
    )
    with op.batch_alter_table("expert_answer") as answer:
        answer.create_index("ix_expert_answer_document", ["document_id", "state"])
        answer.create_index(op.f("ix_expert_answer_review_due_on"), ["review_due_on"])

    op.create_table(
        "expert_link",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("hand_off_id", sa.String(32), nullable=False),
        sa.Column("expert_id", sa.String(32), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("browser_hash", sa.String(64), nullable=True),
        sa.Column("created_by", sa.String(32), nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=True),
        sa.Column("used_at", _MOMENT, nullable=True),
        sa.Column("revoked_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["hand_off_id"], ["hand_off.id"], name=op.f("fk_expert_link_hand_off_id_hand_off")
        ),
        sa.ForeignKeyConstraint(["expert_id"], ["expert.id"], name=op.f("fk_expert_link_expert_id_expert")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expert_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_expert_link_token_hash")),
    )
    with op.batch_alter_table("expert_link") as link:
        link.create_index(op.f("ix_expert_link_hand_off_id"), ["hand_off_id"])

    op.create_table(
        "content_gap",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("context_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("turn_id", sa.String(32), nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("topic_key", sa.String(64), nullable=False),
        sa.Column("topic", sa.String(300), nullable=False),
        sa.Column("document", sa.String(300), nullable=False),
        sa.Column("question", sa.Text(), nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_content_gap_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(["context_id"], ["context.id"], name=op.f("fk_content_gap_context_id_context")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_content_gap_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_gap")),
        sa.UniqueConstraint("turn_id", name=op.f("uq_content_gap_turn_id")),
    )
    with op.batch_alter_table("content_gap") as gap:
        gap.create_index("ix_content_gap_context_topic", ["context_id", "topic_key"])
        gap.create_index(op.f("ix_content_gap_user_id"), ["user_id"])
        gap.create_index(op.f("ix_content_gap_created_at"), ["created_at"])

    op.create_table(
        "mail",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("address", sa.String(254), nullable=True),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", _MOMENT, nullable=False),
        sa.Column("reason", sa.String(80), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("sent_at", _MOMENT, nullable=True),
        sa.Column("lease_owner", sa.String(200), nullable=True),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("key", name=op.f("uq_mail_key")),
    )
    with op.batch_alter_table("mail") as mail:
        mail.create_index("ix_mail_due", ["state", "next_try_at"])


def downgrade() -> None:
    for table in ("mail", "content_gap", "expert_link", "expert_answer", "hand_off"):
        op.drop_table(table)
    # Experts that instructors named have no place in the older schema, which knows those of a collection only.
    op.execute("DELETE FROM expert WHERE collection_id IS NULL")
    with op.batch_alter_table("expert") as expert:
        expert.drop_index(op.f("ix_expert_user_id"))
        expert.drop_index(op.f("ix_expert_context_id"))
        expert.drop_constraint(op.f("fk_expert_user_id_user_account"), type_="foreignkey")
        expert.drop_constraint(op.f("fk_expert_context_id_context"), type_="foreignkey")
        for column in ("is_active", "answer_days", "skills", "email", "user_id", "key", "context_id"):
            expert.drop_column(column)
        expert.alter_column("collection_id", existing_type=sa.String(64), nullable=False)
