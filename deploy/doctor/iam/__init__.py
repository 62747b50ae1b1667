"""IAM's statements and matching rules, and the rights that they give."""
