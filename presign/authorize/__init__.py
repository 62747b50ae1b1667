"""Authorizes: rules, and whether one of them allows a request. Nothing is allowed unless a rule says so."""
