"""The whole system on one machine: the real function, and stand-ins for what surrounds it in OCI."""
