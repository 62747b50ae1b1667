"""The nouns that all steps share: invocation, principal, request, operation, grant, URL, refusal."""
