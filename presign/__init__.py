"""Short-lived URLs for objects in OCI Object Storage, handed out by an OCI Function."""
