"""What `make peers` installs is what was chosen: exact versions, checksums, no scripts, and no registry by name."""

from __future__ import annotations

import json
import re
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "peers"
PACKAGES = json.loads((FOLDER / "package-lock.json").read_text())["packages"]


def test_versions_are_pinned():
    chosen = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    assert PACKAGES[""]["dependencies"] == chosen
    for name, version in chosen.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert PACKAGES[f"node_modules/{name}"]["version"] == version


def test_every_package_has_a_checksum_and_none_names_where_it_lies():
    for name, package in PACKAGES.items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")


def test_npm_runs_no_script_and_writes_no_registry():
    told = (FOLDER / ".npmrc").read_text().splitlines()
    assert {"ignore-scripts=true", "omit-lockfile-registry-resolved=true"} <= set(told)
    assert not [line for line in told if "registry=" in line or "//" in line]
