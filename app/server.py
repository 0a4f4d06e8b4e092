"""Running the service with uvicorn."""

from __future__ import annotations

import errno
import gc
import socket

import uvicorn

from app.kit.settings import Settings


class PortTaken(Exception):
    """The port is another program's; the message says how to choose one."""


def listen_on(host: str, port: int, variable: str) -> socket.socket:
    """A listening socket; PortTaken where another program has the port. `variable` is the setting that changes it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        why = (
            "is taken by another program"
            if error.errno == errno.EADDRINUSE
            else "may not be used by this account"
        )
        raise PortTaken(f"Port {port} {why}. Choose another: {variable}={port + 1}") from None
    listener.listen(128)
    listener.set_inheritable(True)
    return listener


def make_server(settings: Settings) -> uvicorn.Server:
    """A server of the application; SIGTERM and SIGINT let running requests finish, 20 seconds at most.

    What stands in memory once all is loaded stays until the process ends, so the garbage collector leaves it out: a full round over
    the third of a million objects that a chat model's packages bring would hold up every request meanwhile.
    """
    from app.main import create_app

    proxies = [address.strip() for address in settings.trusted_proxies.split(",") if address.strip()]
    config = uvicorn.Config(
        create_app(settings, when_warm=gc.freeze),
        log_config=None,
        access_log=False,
        proxy_headers=True,
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=20,
        server_header=False,
        date_header=False,
    )
    return uvicorn.Server(config)


def run_server(settings: Settings) -> None:
    """Serves until told to stop."""
    listener = listen_on(settings.host, settings.port, "WORKSIDE_PORT")
    make_server(settings).run(sockets=[listener])
