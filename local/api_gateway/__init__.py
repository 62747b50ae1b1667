"""API Gateway: it obeys the specifications of the APIs that are deployed on it."""
