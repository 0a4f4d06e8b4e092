"""Places inside packages, the cues of a transcript, the vectors of sentences"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("passage") as passage:
        passage.add_column(sa.Column("place_member", sa.Text(), nullable=False, server_default=""))
        passage.add_column(sa.Column("marks", sa.JSON(), nullable=False, server_default="[]"))
        passage.add_column(sa.Column("sentences", sa.JSON(), nullable=False, server_default="[]"))
        passage.add_column(sa.Column("sentence_vectors", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("passage") as passage:
        passage.drop_column("sentence_vectors")
        passage.drop_column("sentences")
        passage.drop_column("marks")
        passage.drop_column("place_member")
