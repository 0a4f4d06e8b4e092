"""Deep linking (LTI Deep Linking 2.0): what a platform asks for, and the signed answer that places activities in a course.

The items are pylti1p3's `DeepLinkResource`, without the members that it emits empty: Moodle fails on `custom: {}`, Open edX on
a title of null (case 74). The answer itself is ours: the library's always carries `data`, lives ten minutes and names the
platform in a list.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from lti import claims as names
from lti.errors import DeepLinkingInvalid
from lti.message import DeepLinkingSettings


def read_settings(claim: object, *, allow_http: bool = False) -> DeepLinkingSettings:
    """The deep linking settings claim, strictly; a plain http return URL only with `allow_http` (a demo on one's own machine).

    Raises DeepLinkingInvalid where the return URL, accept_types or accept_presentation_document_targets is missing or no use,
    and where `data` could not be given back exactly.
    """
    settings = names.optional_mapping(claim)
    return_url = names.optional_url(settings.get("deep_link_return_url"))
    schemes = {"https", "http"} if allow_http else {"https"}
    if return_url is None or urlsplit(return_url).scheme not in schemes:
        raise DeepLinkingInvalid("return URL")
    types = names.optional_texts(settings.get("accept_types"))
    targets = names.optional_texts(settings.get("accept_presentation_document_targets"))
    if not types or not targets:
        raise DeepLinkingInvalid("accept_types or accept_presentation_document_targets")
    data = settings.get("data")
    if isinstance(data, str) and data and not names.required_text(data, len(data)):
        raise DeepLinkingInvalid("data")
    return DeepLinkingSettings(
        return_url=return_url,
        accept_types=types,
        accept_targets=targets,
        accept_multiple=names.switch(settings.get("accept_multiple")) is True,
        accept_lineitem=names.switch(settings.get("accept_lineitem")),
        auto_create=names.switch(settings.get("auto_create")) is True,
        title=names.optional_text(settings.get("title"), 500),
        text=names.optional_text(settings.get("text")),
        data=data if isinstance(data, str) else None,
    )
