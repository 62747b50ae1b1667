"""Fetches from OCI: the customer secret key, and the namespace."""
