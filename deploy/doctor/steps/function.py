"""The function: its state, its settings, and the size of its configuration."""

from __future__ import annotations

from deploy.doctor.finding import Finding, Skipped, inactive_finding
from deploy.doctor.step import Step
from deploy.doctor.tenancy import Tenancy
from presign.problems import NotConfigured

MAX_CONFIG_BYTES = 4096

_READ = "read fn-function in the function's compartment"


def state(tenancy: Tenancy) -> Finding:
    """Whether the function is there and active; tells its memory and time-out."""
    function = tenancy.function.resource
    name = f"{function.display_name}: {function.memory_in_mbs} MB, {function.timeout_in_seconds} s"
    if finding := inactive_finding(
        function.display_name, function.lifecycle_state, mend="make deploy", consequence="nobody can call it"
    ):
        return finding
    return Finding("ok", f"{name}.")


def package(tenancy: Tenancy) -> Finding:
    """Tells which image or which archive is deployed."""
    source = tenancy.function.resource.source_details
    if image := getattr(source, "image", None):
        return Finding("ok", f"It is the image {image}.")
    if digest := getattr(source, "source_code_sha256", None):
        note = "SHA256SUMS of a release has the digest of its presign-function.zip, in which there is no policy file."
        return Finding("ok", f"It is an archive whose SHA-256 is {digest}.", None, (note,))
    raise Skipped("OCI does not tell which image or archive it is.")


def settings(tenancy: Tenancy) -> Finding:
    """Whether the function can read its settings; tells all that are wrong."""
    try:
        rules = tenancy.function.settings.rules
    except NotConfigured as exc:
        errors = tuple(str(error) for error in exc.errors)
        text = f"The settings have {len(errors)} error{'s' if len(errors) > 1 else ''}, so each call ends in 500."
        return Finding("wrong", text, "docs/operations.md#change-a-setting", errors)
    policy = tenancy.function.config.get("POLICY", "").strip()
    if tenancy.function.policy_is_in_package:
        return Finding("ok", f"They are right, as far as they are here: {policy} is in the package.")
    if not rules:
        return Finding(
            "wrong",
            "POLICY is not set, so every request is refused.",
            f"{update_command(tenancy)} --config file://settings.json --force",
            ("settings.json has all settings, with a POLICY as docs/policy.md describes it.",),
        )
    text = f"They are right; the policy has {len(rules)} rule{'s' if len(rules) > 1 else ''}."
    is_of_clone = policy.startswith("file:") and tenancy.arguments.stack is None
    note = f"POLICY is {policy}, read from this clone: the function's package may have another."
    return Finding("ok", text, None, (note,) if is_of_clone else ())


def size(tenancy: Tenancy) -> Finding:
    """Whether the configuration is as small as OCI Functions demands."""
    config = tenancy.function.resource.config or {}
    used = sum(len(name.encode()) + len(value.encode()) for name, value in config.items())
    if used > MAX_CONFIG_BYTES:
        return Finding(
            "wrong",
            f"It has {used} bytes; OCI takes {MAX_CONFIG_BYTES}, names and values together.",
            "make deploy POLICY=policy.json",
            ("A policy that is a file of the package does not count.",),
        )
    return Finding("ok", f"It has {used} of {MAX_CONFIG_BYTES} bytes.")


def update_command(tenancy: Tenancy) -> str:
    """The command that updates the function, without the options that say how."""
    source = getattr(tenancy.function.resource.source_details, "source_type", None)
    kind = "update archive-function" if source == "ARCHIVE" else "update container-function"
    return f"oci fn function {kind}{tenancy.target.region_option} --function-id {tenancy.target.function_ocid}"


STATE = Step("function", "state", state, _READ)
STEPS = (
    STATE,
    Step("function", "package", package, _READ),
    Step("function", "settings", settings, "read fn-app in the function's compartment"),
    Step("function", "size of the configuration", size, _READ),
)
