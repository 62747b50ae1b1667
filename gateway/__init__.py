"""What API Gateway runs, and what callers read."""
