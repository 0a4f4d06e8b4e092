"""A process that makes calls of models: `python -m tests.faults.spender URL FOLDER MOMENT CAP CALLS TOKENS ORGANISATION CONTEXT USER`.

It says "ready", waits for a line, reserves for all calls at once, says how many it was allowed, and then hangs in the middle of
them until it is killed.
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from app.coach.budget import Budget, BudgetSpent, Reservation
from app.coach.chat import Payer
from app.kit.db import Database
from app.kit.settings import Settings


def reserve_at_once(budget: Budget, payer: Payer, calls: int, tokens: int) -> list[Reservation]:
    """So many calls from as many threads that start together; those that were allowed."""
    gate = threading.Barrier(calls)
    made: list[Reservation] = []

    def call() -> None:
        gate.wait()
        with suppress(BudgetSpent):
            made.append(budget.reserve(payer, "answer", "fake:model", tokens // 2, tokens - tokens // 2))

    threads = [threading.Thread(target=call) for _ in range(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return made


def main() -> None:
    url, folder, moment, cap, calls, tokens, *ids = sys.argv[1:]
    settings = Settings(_env_file=None, data_dir=Path(folder), cap_organisation_tokens=int(cap))
    at = datetime.fromisoformat(moment)
    budget = Budget(Database(url), settings, lambda: at)
    print("ready", flush=True)
    sys.stdin.readline()
    print(len(reserve_at_once(budget, Payer(*ids), int(calls), int(tokens))), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
