"""OCI Functions: the function's process, the agent that calls it, and the APIs through which others call it."""
