"""The demo LMS: a small learning platform to try Workside in, built only on the LTI standard.

It is a separate program. It imports nothing of the tool, and its signing, token and service handlers are those of the
`lti1p3platform` package, so a launch that works here works against code that the tool's authors did not write.
"""
