"""Reads: from a call of the function to the requests in it, free of validation errors."""
