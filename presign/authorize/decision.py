"""Which rule decides on a request."""

from functools import cached_property

import msgspec

from presign.authorize.index import RuleIndex
from presign.authorize.limits import NO_CORS, limit_of, par_errors, store_route_errors
from presign.authorize.rules import Rule
from presign.authorize.templates import Template, claim_values
from presign.model.invocation import Principal
from presign.model.operation import MAX_EXPIRES_IN
from presign.model.operations.form import PostObject
from presign.model.operations.objects import CopyObject, GetObject, HeadObject
from presign.model.outcomes import Grant
from presign.model.request import Request
from presign.problems import AccessDenied, FieldError, InvalidRequest, LimitExceeded


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """Why a rule does not grant a request: a condition, or else limits exceeded, or else parts that no PAR can give.

    Args:
        fulfilled: how many of the rule's conditions the request fulfils before that.
    """

    detail: str = ""
    fulfilled: int = 0
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
        self._rules = rules
        self._settings = (default_expires_in, par_max_expires_in, has_store_route)
        self._compiled: dict[int, _CompiledRule] = {}
        self._index = RuleIndex(rules)

    def authorize(self, request: Request, principal: Principal) -> Grant:
        """The grant of the first rule that allows `request`; a copy needs one for its source too.

        Raises:
            LimitExceeded: rules match the request, but it exceeds their limits; it tells those of the first.
            InvalidRequest: rules match the request, but they give PARs, and no PAR can give it.
            AccessDenied: no rule matches it; the reason tells of the rule that comes nearest.
        """
        grant = self._granted(request, principal)
        download = source_of(request)
        if download is None:
            return grant
        try:
            source = self._granted(download, principal)
        except AccessDenied as exc:
            raise AccessDenied(reason=f"for the source, {exc.reason}") from None
        except InvalidRequest as exc:
            raise InvalidRequest([_of_source(error) for error in exc.errors]) from None
        return msgspec.structs.replace(grant, expires_in=min(grant.expires_in, source.expires_in))

    def _granted(self, request: Request, principal: Principal) -> Grant:
        mismatches: dict[int, Mismatch] = {}
        for number in self._index.candidates(request):
            outcome = self._rule(number).decide(request, principal)
            if isinstance(outcome, Grant):
                return outcome
            mismatches[number] = outcome
        if exceeded := [mismatch.exceeded for mismatch in mismatches.values() if mismatch.exceeded]:
            raise LimitExceeded(exceeded[0])
        if unfit := [mismatch.unfit for mismatch in mismatches.values() if mismatch.unfit]:
            raise InvalidRequest(unfit[0])
        if mismatches:
            nearest = max(mismatches, key=lambda number: mismatches[number].fulfilled)
            raise AccessDenied(reason=f"rule {nearest}: {mismatches[nearest]}")
        near = self._index.nearest(request)
        if near is None:
            raise AccessDenied(reason="no rule lists this operation")
        raise AccessDenied(reason=f"rule {near}: {self._rule(near).decide(request, principal)}")

    def _rule(self, number: int) -> "_CompiledRule":
        if number not in self._compiled:
            self._compiled[number] = _CompiledRule(self._rules[number], number, *self._settings)
        return self._compiled[number]

    def is_single_use(self, bucket: str, key: str) -> bool:
        """Whether a rule wants the PARs for uploads of this object to be deleted once it is written."""
        return any(rule.is_for(bucket, key) for rule in self._single_use)

    def explain(self, request: Request, principal: Principal) -> list[Grant | Mismatch]:
        """For each rule by itself, its grant or why it gives none."""
        return [self._rule(number).decide(request, principal) for number in range(len(self._rules))]

    @cached_property
    def _single_use(self) -> "list[_CompiledRule]":
        return [self._rule(number) for number, rule in enumerate(self._rules) if rule.single_use]


def source_of(request: Request) -> Request | None:
    """For a copy, the download of its source, since a copy amounts to one; None for any other request."""
    operation = request.operation
    if type(operation) is not CopyObject:
        return None
    download = GetObject(
        key=operation.source_key, version_id=operation.source_version_id, expires_in=operation.expires_in
    )
    return Request(download, operation.source_bucket or request.bucket)


def _of_source(error: FieldError) -> FieldError:
    """An error of the source's download, at the member of the copy that it is about."""
    name = error.pointer.removeprefix("/")
    return FieldError(f"/source_{name}", error.detail) if name in ("key", "version_id") else error


class _CompiledRule:
    """A rule with everything worked out that does not depend on the request."""

    def __init__(
        self, rule: Rule, number: int, default_expires_in: int, par_max_expires_in: int, has_store_route: bool
    ) -> None:
        self._rule = rule
        self._number = number
        self._operations = rule.granted
        self._bucket = Template(rule.bucket)
        self._prefix = Template(rule.prefix)
        self._when = {name: frozenset(values) for name, values in rule.when.items()}
        self._limit = limit_of(rule)
        self._par_max_expires_in = par_max_expires_in
        self._has_store_route = has_store_route
        longest = par_max_expires_in if rule.via == "par" else MAX_EXPIRES_IN
        self._default_expires_in = min(default_expires_in, rule.max_expires_in or longest, longest)

    def decide(self, request: Request, principal: Principal) -> Grant | Mismatch:
        """The grant of `request`, or why there is none."""
        if mismatch := self._mismatch(request, principal):
            return mismatch
        rule, operation = self._rule, request.operation
        by_route = operation.cors and rule.via == "s3" and not isinstance(operation, PostObject)
        if by_route and not self._has_store_route:
            return Mismatch(unfit=[NO_CORS])
        changes, exceeded = self._limit(operation)
        if by_route and not exceeded:
            exceeded = store_route_errors(operation, max_content_length=rule.max_content_length)
        expires_in = self._default_expires_in if operation.expires_in is None else operation.expires_in
        if rule.max_expires_in is not None and expires_in > rule.max_expires_in:
            exceeded = [FieldError("/expires_in", f"must be at most {rule.max_expires_in}"), *exceeded]
        if exceeded:
            return Mismatch(exceeded=exceeded)
        if rule.via == "par" and (unfit := list(par_errors(request, max_expires_in=self._par_max_expires_in))):
            return Mismatch(unfit=unfit)
        reuse_for = rule.reuse_for
        if reuse_for is None or expires_in < 2 * reuse_for or not isinstance(operation, HeadObject):
            reuse_for = None
        elif operation.response_cache_control is None:
            # A fresh object has no freshness of its own, so without this it would not be cached.
            changes = {**changes, "response_cache_control": f"private, max-age={reuse_for}"}
        if changes:
            request = msgspec.structs.replace(request, operation=msgspec.structs.replace(operation, **changes))
        return Grant(request, expires_in, self._number, rule.via, rule.max_content_length, reuse_for)

    def is_for(self, bucket: str, key: str) -> bool:
        """Whether the claims of some caller could lead to this object."""
        return bool(self._bucket.pattern.fullmatch(bucket) and self._prefix.pattern.match(key))

    def _mismatch(self, request: Request, principal: Principal) -> Mismatch | None:
        """The first condition that `request` does not fulfil."""
        operation = request.operation
        if operation.name not in self._operations:
            return Mismatch(detail="the rule does not list this operation")
        if principal.caller not in self._rule.callers:
            return Mismatch(detail="the rule does not list this way of calling", fulfilled=1)
        if operation.via is not None and operation.via != self._rule.via:
            return Mismatch(detail=f"the rule gives access via {self._rule.via}", fulfilled=2)
        bucket = self._bucket.fill_in(principal.claims)
        if request.bucket != bucket:
            needs = "the rule's bucket needs a claim that is missing or can't be part of a name"
            return Mismatch(detail=needs if bucket is None else "the rule is for another bucket", fulfilled=3)
        prefix = self._prefix.fill_in(principal.claims)
        if prefix is None:
            needs = "the rule's prefix needs a claim that is missing or can't be part of a key"
            return Mismatch(detail=needs, fulfilled=4)
        if not operation.target.startswith(prefix):
            return Mismatch(detail="the key does not begin with the rule's prefix", fulfilled=5)
        for name, wanted in self._when.items():
            if name not in principal.claims or wanted.isdisjoint(claim_values(principal.claims[name])):
                needs = f"the claim {name} is missing or has none of the rule's values"
                return Mismatch(detail=needs, fulfilled=6)
        return None
