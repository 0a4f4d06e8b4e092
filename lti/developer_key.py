"""Canvas's developer key by address: the JSON that an administrator of Canvas has it fetch ("Enter URL").

The same facts as in a dynamic registration, in Canvas's own older form.
"""

from __future__ import annotations

from typing import Any

from lti.dynamic_registration import CUSTOM_PARAMETERS, SCOPES, ToolDescription
from lti.platforms.canvas import CANVAS

_EXTENSION = "https://canvas.instructure.com/lti/"


def developer_key_document(tool: ToolDescription) -> dict[str, Any]:
    """The configuration: our addresses, the services we use, and the places where Canvas shows us."""
    facts = CANVAS.registering
    placements = []
    for message, names in facts.placements.items():
        for name in names:
            placement: dict[str, Any] = {
                "placement": name,
                "enabled": True,
                "message_type": message,
                "target_link_uri": tool.launch_url,
                "text": tool.name,
            }
            if name == "course_navigation":
                # In the menu of a course only where its teacher switches it on.
                placement |= {"default": "disabled", "visibility": "members"}
            placements.append(placement)
    return {
        "title": tool.name,
        "description": tool.description,
        "oidc_initiation_url": tool.base_url + "/lti/login",
        "target_link_uri": tool.launch_url,
        "public_jwk_url": tool.base_url + "/lti/jwks.json",
        "scopes": list(SCOPES),
        "custom_fields": dict(CUSTOM_PARAMETERS),
        "extensions": [
            {
                "platform": "canvas.instructure.com",
                "domain": tool.domain,
                "tool_id": facts.tool_members[_EXTENSION + "tool_id"],
                "privacy_level": facts.tool_members[_EXTENSION + "privacy_level"],
                "settings": {"text": tool.name, "placements": placements},
            }
        ],
    }
