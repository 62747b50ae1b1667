"""The function that is diagnosed: its OCID, and the region that it runs in."""

from __future__ import annotations

from deploy.doctor.finding import Skipped
from deploy.doctor.tenancy.facts import Facts, fact
from deploy.doctor.tenancy.stack import AppliedStack


class Target(Facts):
    """The function that is diagnosed.

    Args:
        function_ocid: as the command line has it; None if the stack tells it.
        stack: has the function among its outputs.
    """

    def __init__(self, function_ocid: str | None, *, stack: AppliedStack) -> None:
        super().__init__()
        self._named = function_ocid
        self._stack = stack

    @fact("the function ocid")
    def function_ocid(self) -> str:
        """The function's OCID."""
        ocid = self._named or self._stack.outputs.get("function_ocid")
        if not ocid:
            raise Skipped("No function is named: use --function OCID or --stack DIR.")
        return str(ocid)

    @fact("the own region")
    def region(self) -> str | None:
        """The region that the function runs in, which its OCID tells; None if that tells nothing."""
        from oci import regions

        try:
            parts = self.function_ocid.split(".")
        except Skipped:
            return None
        name = parts[3] if len(parts) > 4 else ""
        name = regions.REGIONS_SHORT_NAMES.get(name, name)
        return name if name in regions.REGIONS else None

    @property
    def region_option(self) -> str:
        """The option `--region` of a command about something in the function's region, after a blank."""
        return f" --region {self.region}" if self.region else ""
