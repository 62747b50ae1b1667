"""From a clone to a live endpoint."""
