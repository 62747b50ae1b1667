"""Those that presign, each in a process of its own that makes URLs when it is told to, and tells how long they took."""
