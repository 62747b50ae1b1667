"""Networks: the security rules and the routes that HTTPS needs."""
