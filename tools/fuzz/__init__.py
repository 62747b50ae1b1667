"""Requests by the million, each answer checked: `python -m tools.fuzz`."""
