"""A process that begins an answer and never ends it: `python -m tests.faults.answering <visitor as JSON>` prints the turn's id."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator

from app.coach.answers import Progress, Step
from app.course.access import Visitor
from app.course.services import make_services
from app.kit.settings import Settings
from app.rooms.ask import live
from retrieval import HashingEmbedder


async def never_ending(*_: object, **_named: object) -> AsyncIterator[Step]:
    yield Progress("searching")
    await asyncio.Event().wait()


async def main() -> None:
    services = make_services(Settings(_env_file=None), embedder=HashingEmbedder())
    visitor = Visitor(**json.loads(sys.argv[1]))
    live.answer_question = never_ending  # type: ignore[assignment]
    answers = live.live_answers_of(services)
    turn = await answers.ask(visitor, "How do I refund a damaged parcel?")
    async for event in answers.follow(visitor, turn.id):
        if event.name == "progress":
            print(turn.id, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
