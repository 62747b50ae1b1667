"""The deployment that API Gateway runs, and the document that callers read."""
