"""Contenders that presign, each in a process of its own. It makes URLs when told to, and tells how long they took."""
