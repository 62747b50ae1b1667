"""Contenders in processes of their own, which make URLs or move files when told to, and tell how long it took."""
