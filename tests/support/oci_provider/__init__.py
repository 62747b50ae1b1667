"""A stand-in for the Terraform provider of OCI, and the real Terraform running on it."""
