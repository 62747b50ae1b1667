"""Which clients use the function's URLs as they are, and how other signers' URLs compare with them."""
