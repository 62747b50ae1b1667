"""Known vulnerabilities of what is deployed, by pip-audit. Where its database can't be asked, it says so and passes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"


def main() -> int:
    """Print what is found.

    Returns:
        The exit status: 1 if a requirement is known to be vulnerable.
    """
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner=off"]
        ended = subprocess.run(  # noqa: S603 - a fixed command
            [*command, f"--requirement={REQUIREMENTS}", "--format=json", f"--output={report}"],
            capture_output=True,
            encoding="utf-8",
        )
        if not report.exists():
            reason = (ended.stderr.strip() or "it gave no report").splitlines()[-1]
            print(f"NOTICE: not audited, as pip-audit could not ask its database: {reason}")
            return 0
        packages = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
    audited = [package for package in packages if "skip_reason" not in package]
    faults = [(package, fault) for package in audited for fault in package["vulns"]]
    for package, fault in faults:
        fixed = ", ".join(fault["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {fault['id']}, fixed in {fixed}")
    if unknown := len(packages) - len(audited):
        print(f"NOTICE: {unknown} of {len(packages)} packages not audited, as the database knows nothing of them")
    print(f"{len(faults)} known vulnerabilities in {len(audited)} audited packages")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
