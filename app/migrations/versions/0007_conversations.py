"""Conversations with titles, answers under way"""

from __future__ import annotations

import json
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("conversation") as conversation:
        conversation.add_column(sa.Column("title", sa.String(200), nullable=False, server_default=""))
        conversation.add_column(sa.Column("folded", sa.Text(), nullable=False, server_default=""))
        conversation.add_column(sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("turn") as turn:
        turn.alter_column("created_at", new_column_name="asked_at", existing_type=sa.DateTime(timezone=True))
        turn.add_column(sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
        turn.add_column(sa.Column("state", sa.String(20), nullable=False, server_default="answered"))
        turn.add_column(sa.Column("stop_at", sa.DateTime(timezone=True), nullable=True))
        turn.add_column(sa.Column("lease_owner", sa.String(200), nullable=True))
        turn.add_column(sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True))
        turn.add_column(sa.Column("tries", sa.Integer(), nullable=False, server_default="1"))
        turn.add_column(sa.Column("replaced_by", sa.String(32), nullable=True))
        turn.add_column(sa.Column("voice", sa.String(20), nullable=False, server_default=""))
        turn.add_column(sa.Column("model", sa.String(200), nullable=False, server_default=""))
        turn.add_column(sa.Column("folded", sa.Text(), nullable=False, server_default=""))
        turn.create_foreign_key(op.f("fk_turn_replaced_by_turn"), "turn", ["replaced_by"], ["id"])
    with op.batch_alter_table("turn") as turn:
        turn.create_index("ix_turn_asked_at", ["asked_at"], unique=False)
    # Whatever stands there was written whole, by the one voice there was. A conversation is called after its first question.
    op.execute("UPDATE turn SET answered_at = asked_at, voice = 'composer'")
    op.execute(
        "UPDATE conversation SET "
        "title = COALESCE((SELECT substr(question, 1, 80) FROM turn "
        "WHERE turn.conversation_id = conversation.id AND turn.number = 1), ''), "
        "updated_at = COALESCE((SELECT max(asked_at) FROM turn WHERE turn.conversation_id = conversation.id), "
        "created_at)"
    )
    _fold_what_is_there()
    with op.batch_alter_table("conversation") as conversation:
        conversation.alter_column(
            "updated_at", existing_type=sa.DateTime(timezone=True), existing_nullable=True, nullable=False
        )


def _fold_what_is_there() -> None:
    """Finding looks into folded words: those of the questions, answers and titles that are there already."""
    connection = op.get_bind()
    turn = sa.table("turn", sa.column("id"), sa.column("question"), sa.column("answer"), sa.column("folded"))
    for row in connection.execute(sa.select(turn.c.id, turn.c.question, turn.c.answer)).all():
        answer = json.loads(row.answer) if isinstance(row.answer, str) else row.answer
        said = " ".join(one["text"] for one in (answer or {}).get("sentences", ()))
        folded = _folded(f"{row.question} {said}")
        connection.execute(sa.update(turn).where(turn.c.id == row.id).values(folded=folded))
    conversation = sa.table("conversation", sa.column("id"), sa.column("title"), sa.column("folded"))
    for row in connection.execute(sa.select(conversation.c.id, conversation.c.title)).all():
        connection.execute(
            sa.update(conversation).where(conversation.c.id == row.id).values(folded=_folded(row.title))
        )


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def downgrade() -> None:
    # A question without an answer has no place in the older schema, and neither has one that was asked anew.
    op.execute("UPDATE turn SET replaced_by = NULL WHERE replaced_by IS NOT NULL")
    op.execute("DELETE FROM turn WHERE state <> 'answered'")
    with op.batch_alter_table("turn") as turn:
        turn.drop_index("ix_turn_asked_at")
    with op.batch_alter_table("turn") as turn:
        turn.drop_constraint(op.f("fk_turn_replaced_by_turn"), type_="foreignkey")
        for name in (
            "folded", "model", "voice", "replaced_by", "tries", "lease_until", "lease_owner", "stop_at", "state",
            "answered_at",
        ):  # fmt: skip
            turn.drop_column(name)
        turn.alter_column("asked_at", new_column_name="created_at", existing_type=sa.DateTime(timezone=True))
    with op.batch_alter_table("conversation") as conversation:
        conversation.drop_column("updated_at")
        conversation.drop_column("folded")
        conversation.drop_column("title")
