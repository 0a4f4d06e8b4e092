"""Where lti/ is plugged in: its routes for the web, its service calls for the worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

import lti
from app.course.keys import DatabaseKeys
from app.course.launches import admit_launch
from app.course.notices import record_notices
from app.course.protocol import (
    DatabaseLaunchStates,
    DatabaseLaunchTickets,
    DatabaseRegistrations,
    PlatformEgress,
)
from app.course.services import Services
from app.kit.clock import now
from app.kit.metrics import LAUNCHES
from app.kit.pages import render_page


def make_lti_router(services: Services) -> APIRouter:
    """The routes /lti/login, /lti/launch, /lti/launch/redeem and /lti/jwks.json on our database and pages."""

    def render(
        request: Request, name: str, context: Mapping[str, Any], status: int, headers: Mapping[str, str]
    ) -> Response:
        if status >= 400:
            LAUNCHES.labels(str(context.get("reason", "refused"))).inc()
        return render_page(request, name, status, dict(headers), **context)

    database = services.database
    ports = lti.LtiPorts(
        registrations=DatabaseRegistrations(database, demo=services.settings.demo),
        states=DatabaseLaunchStates(database),
        tickets=DatabaseLaunchTickets(database),
        keys=DatabaseKeys(database, services.vault),
        platform_keys=lti.PlatformKeys(PlatformEgress(services.egress), now, observer=services.observer),
        now=now,
        launched=lambda launch: admit_launch(services, launch),
        observer=services.observer,
        noticed=lambda notices: record_notices(services, notices),
    )
    return lti.lti_router(ports, render, lti.LtiSettings(base_url=services.settings.url))
