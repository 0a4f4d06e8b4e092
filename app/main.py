"""create_app: middleware, errors, then the rooms one by one; no logic."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.coach import ROOM as COACH
from app.course import ROOM as COURSE
from app.course.launches import frame_origins_of_all
from app.course.lti_edge import make_lti_router
from app.course.probes import standard_probes
from app.course.services import Services, make_services
from app.evidence import ROOM as EVIDENCE
from app.kit.errors import InputRefused, NotFound, SignedOut, WorksideError
from app.kit.headers import security_headers
from app.kit.health import probe_all
from app.kit.jobs import Worker
from app.kit.log import configure_logging, get_logger
from app.kit.metrics import METRICS_TYPE, render_metrics
from app.kit.middleware import RequestFrame
from app.kit.migrate import migrate
from app.kit.pages import STATIC, render_error, render_page, wants_json
from app.kit.room import Room
from app.kit.settings import Settings
from app.rooms.admin import ROOM as ADMIN
from app.rooms.ask import ROOM as ASK
from app.rooms.ask.jobs import look_for_silence
from app.rooms.experts import ROOM as EXPERTS
from app.rooms.library import ROOM as LIBRARY
from app.rooms.picker import ROOM as PICKER
from app.rooms.plan import ROOM as PLAN
from app.rooms.practice import ROOM as PRACTICE
from app.rooms.review import ROOM as REVIEW
from app.rooms.simulation import ROOM as SIMULATION
from app.rooms.studio import ROOM as STUDIO

ROOMS: tuple[Room, ...] = (
    COURSE,
    COACH,
    EVIDENCE,
    ASK,
    PRACTICE,
    SIMULATION,
    PLAN,
    REVIEW,
    EXPERTS,
    STUDIO,
    LIBRARY,
    PICKER,
    ADMIN,
)

log = get_logger("web")


def create_app(
    settings: Settings, services: Services | None = None, *, when_warm: Callable[[], object] | None = None
) -> FastAPI:
    """The whole application. It migrates its database and starts the embedded worker when it starts, not when it is made.

    `when_warm` is called, in a thread, after what the rooms do when the process begins to serve.
    """
    services = services or make_services(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        configure_logging(settings.log_format, settings.log_level)
        migrate(settings.sqlalchemy_url)
        if settings.worker == "embedded":
            services.worker = make_worker(services)
            services.worker.start()
        threading.Thread(target=_start_rooms, args=(services, when_warm), daemon=True).start()
        yield
        for room in ROOMS:
            if room.close is not None:
                await room.close(services)
        if services.worker is not None:
            services.worker.stop()
        services.close()

    app = FastAPI(title="Workside", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.settings = settings
    app.state.services = services
    app.state.database = services.database
    app.state.navigation = tuple(item for room in ROOMS for item in room.navigation)
    app.state.placements = tuple(kind for room in ROOMS for kind in room.placements)
    app.state.personal_data = tuple(data for room in ROOMS for data in room.personal_data)
    app.state.due = tuple(room.due for room in ROOMS if room.due is not None)
    app.state.look_for_silence = look_for_silence
    app.state.probes = [
        *standard_probes(services),
        *(probe for room in ROOMS if room.probes is not None for probe in room.probes(services)),
    ]
    services.starters = tuple(room.starters for room in ROOMS if room.starters is not None)
    services.plan_seeds = tuple(room.plan_seeds for room in ROOMS if room.plan_seeds is not None)
    services.first_pages = {kind.key: kind.first_page for kind in app.state.placements}
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    uploads = {path: size for room in ROOMS for path, size in room.uploads.items()}
    app.add_middleware(RequestFrame, uploads=uploads)
    _add_errors(app)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.include_router(make_lti_router(services))
    for room in ROOMS:
        if room.router is not None:
            app.include_router(room.router)
    _add_probes(app)
    return app


def _start_rooms(services: Services, when_warm: Callable[[], object] | None) -> None:
    starts = [
        threading.Thread(target=room.start, args=(services,), daemon=True)
        for room in ROOMS
        if room.start is not None
    ]
    for thread in starts:
        thread.start()
    for thread in starts:
        thread.join()
    if when_warm is not None:
        when_warm()


def make_worker(services: Services) -> Worker:
    """The worker with every room's jobs."""
    return Worker(services, [job for room in ROOMS for job in room.jobs])


def measured(services: Services) -> bytes:
    """What /metrics says: counts of this process, and gauges of the database as it is now. A gauge that fails keeps its value."""
    for measure in (measure for room in ROOMS for measure in room.gauges):
        try:
            measure(services)
        except Exception as error:
            log.error("gauge_failed", gauge=measure.__name__, kind=type(error).__name__)
    return render_metrics()


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(WorksideError)
    def show_error(request: Request, error: WorksideError) -> Response:
        is_bare_visit = isinstance(error, SignedOut) and "authorization" not in request.headers
        if is_bare_visit and request.method == "GET" and not wants_json(request):
            # A reload inside the frame: the shell's script still has the bearer in this frame's own history entry.
            request.state.frame_ancestors = frame_origins_of_all(request.app.state.services)
            return render_page(request, "shell.html", status=401, session=None)
        return render_error(request, error)

    @app.exception_handler(RequestValidationError)
    def show_invalid(request: Request, error: RequestValidationError) -> Response:
        fields = ", ".join(sorted({str(problem["loc"][-1]) for problem in error.errors()}))
        return render_error(request, InputRefused(f"Missing or not understood: {fields}."))

    @app.exception_handler(HTTPException)
    def show_http_error(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return render_error(request, NotFound())
        refused = WorksideError()
        refused.status = error.status_code
        response = render_error(request, refused)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    def show_failure(request: Request, error: Exception) -> Response:
        log.error("request_failed", kind=type(error).__name__, exc_info=error)
        response = render_error(request, WorksideError())
        response.headers.update(security_headers(request))  # this handler stands outside our own middleware
        return response


def _add_probes(app: FastAPI) -> None:
    @app.get("/healthz")
    async def healthz() -> Response:
        """Live: the event loop turns."""
        return PlainTextResponse("ok")

    @app.get("/readyz")
    def readyz() -> Response:
        """Ready: every needed probe is well. 503 names what is not."""
        ready, report = probe_all(app.state.probes)
        return JSONResponse({"ready": ready, "probes": report}, 200 if ready else 503)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(measured(app.state.services), media_type=METRICS_TYPE)
