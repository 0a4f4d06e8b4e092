"""Fixtures of the protocol edge: the same tool and platform as the conformance list's."""

from tests.conformance.conftest import any_tool, clock, platform, tool

__all__ = ["any_tool", "clock", "platform", "tool"]
