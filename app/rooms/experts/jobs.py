"""Mail to experts, as a job."""

from __future__ import annotations

from app.coach.expert_links import mail_server
from app.course.services import Services
from app.kit.jobs import LeaseTest
from app.kit.mail import free_mail, send_next_mail


def send_experts_mail(services: Services) -> bool:
    """Sends one mail that is due."""
    return send_next_mail(services.database, services.vault, mail_server(services))


def free_experts_mail(services: Services, is_nobodys: LeaseTest) -> int:
    """Ends the leases on mails that are nobody's."""
    return free_mail(services.database, is_nobodys)
