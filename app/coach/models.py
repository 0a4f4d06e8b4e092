"""The coach's own tables: calls of chat models and spending, how a coach helps, ready prompts, hand-offs and experts' answers."""

from __future__ import annotations
