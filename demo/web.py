"""The demo LMS over HTTP: one application of its pages, its platform addresses and its services."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles

from demo.catalogue import Catalogue, NotInCatalogue, read_catalogue
from demo.grades import add_services
from demo.launches import add_launches
from demo.lms import HERE, DemoSettings, Lms, Problem, problem_page
from demo.pages import add_pages
from demo.placing import add_placing
from demo.platform import Addresses
from demo.tools import add_tools


def registrations(
    base_url: str, service_url: str | None = None, catalogue: Catalogue | None = None
) -> list[dict[str, str]]:
    """What the tool must know of each organisation, known before the LMS runs."""
    base = base_url.rstrip("/")
    addresses = Addresses(base, (service_url or base).rstrip("/"))
    return [addresses.registration(entry) for entry in (catalogue or read_catalogue()).organisations]


def create_app(settings: DemoSettings, catalogue: Catalogue | None = None) -> FastAPI:
    """The demo LMS as an ASGI application; its state is in `settings.data_dir`."""
    lms = Lms(settings, catalogue or read_catalogue())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        lms.close()

    app = FastAPI(title="Demo LMS", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.lms = lms
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")

    @app.middleware("http")
    async def headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if request.method not in ("GET", "HEAD", "OPTIONS") and not request.url.path.startswith("/org/"):
            # The page's own writes: a frame of another site must not flip switches or edit grades.
            site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
            if site not in (None, "same-origin") or origin not in (None, lms.addresses.browser):
                return JSONResponse({"error": "Only the demo LMS's own page may do this."}, 403)
        response = await call_next(request)
        response.headers.setdefault(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
            # 'self' too, since a launch passes through our own authentication address inside the frame.
            f" frame-src 'self' {lms.tool.origin}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        )
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        # Not "no-referrer": a browser would then send our own forms with the origin "null".
        response.headers.setdefault("Referrer-Policy", "same-origin")
        # Static files too: this program changes between two runs of a demonstration.
        response.headers.setdefault(
            "Cache-Control", "no-cache" if "/static/" in request.url.path else "no-store"
        )
        return response

    @app.exception_handler(Problem)
    async def show_problem(request: Request, problem: Problem) -> Response:
        return problem_page(lms, problem)

    @app.exception_handler(NotInCatalogue)
    async def show_missing(request: Request, missing: NotInCatalogue) -> Response:
        return problem_page(lms, Problem(404, "Not found", str(missing)))

    for part in (add_pages, add_launches, add_services, add_placing, add_tools):
        part(app, lms)
    return app


__all__ = ["DemoSettings", "create_app", "registrations"]
