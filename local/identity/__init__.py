"""The tokens of users, the function's resource principal, and the signatures of requests to OCI."""
