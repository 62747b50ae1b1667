"""All that asks OCI: Vault, Object Storage, Queue and Notifications."""
