"""Object Storage: buckets with objects, and the APIs that reach them: S3, the native one, and PARs."""
