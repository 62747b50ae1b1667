"""The store as the function's callers meet it, and trials of its behaviour."""
