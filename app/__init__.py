"""Workside: the web application and the coach."""
