"""Which rule decides on a request."""

import msgspec

from presign.authorize.limits import NO_CORS, limit_of, par_errors, store_route_errors
from presign.authorize.rules import Rule
from presign.authorize.templates import Template, claim_values
from presign.model.invocation import Principal
from presign.model.operation import MAX_EXPIRES_IN
from presign.model.operations.form import PostObject
from presign.model.operations.objects import CopyObject, GetObject, HeadObject
from presign.model.operations.prefixes import GetPrefix
from presign.model.outcomes import Grant
from presign.model.request import Request
from presign.problems import AccessDenied, FieldError, InvalidRequest, LimitExceeded


class Mismatch(msgspec.Struct, frozen=True):
    """Why a rule does not grant a request: a condition, or else limits exceeded, or else parts that no PAR can give."""

    detail: str
    exceeded: list[FieldError] = []
    unfit: list[FieldError] = []

    def __str__(self) -> str:
        return self.detail or "; ".join(map(str, [*self.exceeded, *self.unfit]))


class Policy:
    """Rules without validation errors, in their order.

    Args:
        default_expires_in: seconds that a URL is valid where neither the request nor the rule says less.
        par_max_expires_in: seconds, the longest that a PAR may be valid.
        has_store_route: whether presigned URLs can lead through the store route, which allows CORS.
    """

    def __init__(
        self,
        rules: list[Rule],
        *,
        default_expires_in: int,
        par_max_expires_in: int = MAX_EXPIRES_IN,
        has_store_route: bool = False,
    ) -> None:
        settings = (default_expires_in, par_max_expires_in, has_store_route)
        self._rules = [_CompiledRule(rule, number, *settings) for number, rule in enumerate(rules)]

    def authorize(self, request: Request, principal: Principal) -> Grant:
        """The grant of the first rule that allows `request`; a copy needs one for its source too.

        Raises:
            LimitExceeded: rules match the request, but it exceeds their limits; it tells those of the first.
            InvalidRequest: rules match the request, but they give PARs, and no PAR can give it.
            AccessDenied: no rule matches it.
        """
        grant = self._granted(request, principal)
        operation = request.operation
        if type(operation) is not CopyObject:
            return grant
        # A copy amounts to a download of its source.
        download = GetObject(
            key=operation.source_key, version_id=operation.source_version_id, expires_in=operation.expires_in
        )
        source = self._granted(Request(download, operation.source_bucket or request.bucket), principal)
        return msgspec.structs.replace(grant, expires_in=min(grant.expires_in, source.expires_in))

    def _granted(self, request: Request, principal: Principal) -> Grant:
        mismatches = []
        for rule in self._rules:
            outcome = rule.decide(request, principal)
            if isinstance(outcome, Grant):
                return outcome
            mismatches.append(outcome)
        if exceeded := [mismatch.exceeded for mismatch in mismatches if mismatch.exceeded]:
            raise LimitExceeded(exceeded[0])
        if unfit := [mismatch.unfit for mismatch in mismatches if mismatch.unfit]:
            raise InvalidRequest(unfit[0])
        raise AccessDenied

    def is_single_use(self, bucket: str, key: str) -> bool:
        """Whether a rule wants the PARs for uploads of this object to be deleted once it is written."""
        return any(rule.is_single_use(bucket, key) for rule in self._rules)

    def explain(self, request: Request, principal: Principal) -> list[Grant | Mismatch]:
        """For each rule by itself, its grant or why it gives none."""
        return [rule.decide(request, principal) for rule in self._rules]


class _CompiledRule:
    """A rule with everything worked out that does not depend on the request."""

    def __init__(
        self, rule: Rule, number: int, default_expires_in: int, par_max_expires_in: int, has_store_route: bool
    ) -> None:
        self._rule = rule
        self._number = number
        self._via = rule.via
        self._operations = rule.granted if rule.via == "par" else rule.granted - {GetPrefix.name()}
        self._callers = rule.callers
        self._bucket = Template(rule.bucket)
        self._prefix = Template(rule.prefix)
        self._when = {name: frozenset(values) for name, values in rule.when.items()}
        self._limit = limit_of(rule)
        self._par_max_expires_in = par_max_expires_in
        self._has_store_route = has_store_route
        bounds = [rule.max_expires_in, par_max_expires_in if rule.via == "par" else None]
        self._default_expires_in = min([default_expires_in, *(bound for bound in bounds if bound is not None)])

    def decide(self, request: Request, principal: Principal) -> Grant | Mismatch:
        """The grant of `request`, or why there is none."""
        if detail := self._mismatch(request, principal):
            return Mismatch(detail)
        operation = request.operation
        by_route = operation.cors and self._via == "s3" and not isinstance(operation, PostObject)
        if by_route and not self._has_store_route:
            return Mismatch("", [], [NO_CORS])
        changes, exceeded = self._limit(operation)
        if by_route and not exceeded:
            exceeded = store_route_errors(operation, max_content_length=self._rule.max_content_length)
        expires_in = self._default_expires_in if operation.expires_in is None else operation.expires_in
        most = self._rule.max_expires_in
        if most is not None and expires_in > most:
            exceeded = [FieldError("/expires_in", f"must be at most {most}"), *exceeded]
        if exceeded:
            return Mismatch("", exceeded)
        if self._via == "par" and (unfit := list(par_errors(request, max_expires_in=self._par_max_expires_in))):
            return Mismatch("", [], unfit)
        reuse_for = self._rule.reuse_for if isinstance(operation, HeadObject) else None
        if reuse_for is not None and expires_in < 2 * reuse_for:
            reuse_for = None
        if reuse_for is not None and operation.given({"response_cache_control"}) == {}:
            # A fresh object has no freshness of its own, so without this it would not be cached.
            changes = {**changes, "response_cache_control": f"private, max-age={reuse_for}"}
        if changes:
            request = msgspec.structs.replace(request, operation=msgspec.structs.replace(operation, **changes))
        return Grant(request, expires_in, self._number, self._via, self._rule.max_content_length, reuse_for)

    def is_single_use(self, bucket: str, key: str) -> bool:
        # The claims of the caller who had it made are not known.
        buckets, keys = self._bucket.pattern, self._prefix.pattern
        return self._rule.single_use and bool(buckets.fullmatch(bucket) and keys.match(key))

    def _mismatch(self, request: Request, principal: Principal) -> str:
        """The first condition that `request` does not fulfil, or an empty string."""
        operation = request.operation
        if operation.name() not in self._operations:
            return "the rule does not list this operation"
        if principal.caller not in self._callers:
            return "the rule does not list this way of calling"
        if operation.via is not None and operation.via != self._via:
            return f"the rule gives access via {self._via}"
        bucket = self._bucket.fill_in(principal.claims)
        if bucket is None:
            return "the rule's bucket needs a claim that is missing or can't be part of a name"
        if request.bucket != bucket:
            return "the rule is for another bucket"
        prefix = self._prefix.fill_in(principal.claims)
        if prefix is None:
            return "the rule's prefix needs a claim that is missing or can't be part of a key"
        if not operation.target.startswith(prefix):
            return "the key does not begin with the rule's prefix"
        for name, wanted in self._when.items():
            if name not in principal.claims or wanted.isdisjoint(claim_values(principal.claims[name])):
                return f"the claim {name} is missing or has none of the rule's values"
        return ""
