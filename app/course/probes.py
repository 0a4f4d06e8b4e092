"""What readiness depends on."""

from __future__ import annotations

from sqlalchemy import text

from app.course.services import Services
from app.kit.health import Probe
from app.kit.migrate import is_current


def standard_probes(services: Services) -> list[Probe]:
    """Database, migrations and worker are needed; the vector index only degrades (keywords still answer)."""

    def database() -> str | None:
        with services.database.read() as session:
            session.execute(text("SELECT 1"))
        return None

    def migrations() -> str | None:
        return (
            None
            if is_current(services.database.engine)
            else "the schema is older or newer than this code; run `workside migrate`"
        )

    def worker() -> str | None:
        if services.settings.worker == "separate":
            return None
        return (
            None
            if services.worker is not None and services.worker.is_alive
            else "the embedded worker has ended; restart the service"
        )

    return [Probe("database", database), Probe("migrations", migrations), Probe("worker", worker)]
