"""The environment git runs in: nothing of the machine's or the user's configuration, and no way to ask anybody."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

GitConfig = Sequence[tuple[str, str]]
"""Configuration for one call, key and value. Passed by environment: unlike ``-c`` it shows in no list of processes."""

# What an operator sets for the whole machine so that the network can be reached at all, and where programs are found.
_INHERITED = (
    *("PATH", "TMPDIR", "LD_LIBRARY_PATH", "SSH_AUTH_SOCK"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
)

_FIXED = {
    "LC_ALL": "C",
    "LANGUAGE": "",
    # A folder without .netrc, .gitconfig and .config.
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_SSH_VARIANT": "ssh",
    # A control master would outlive the call, and hold what it inherited.
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=20 -oControlMaster=no -oControlPath=none"
    " -oServerAliveInterval=15 -oServerAliveCountMax=2",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_CEILING_DIRECTORIES": "/",
    # Headers of requests and answers on stderr, without bodies and with credentials masked by git: the one place
    # where git tells a Location and a Retry-After (see git_errors).
    "GIT_TRACE_CURL": "1",
    "GIT_TRACE_CURL_NO_DATA": "1",
    "GIT_TRACE_REDACT": "1",
}

_SAFE_CONFIG: GitConfig = (
    ("protocol.allow", "never"),
    ("credential.helper", ""),
    ("core.askPass", ""),
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
)


def git_environment(config: GitConfig = (), *, git_dir: Path | None = None) -> dict[str, str]:
    """Return the whole environment for one call of git.

    No transport is allowed unless ``config`` allows it. Without ``git_dir`` git finds no repository at all, wherever
    it is started.
    """
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment.update(_FIXED)
    environment["GIT_DIR"] = str(git_dir) if git_dir else "/dev/null"
    environment.update(_config_variables((*_SAFE_CONFIG, *config)))
    return environment


def _config_variables(config: GitConfig) -> Mapping[str, str]:
    variables = {"GIT_CONFIG_COUNT": str(len(config))}
    for index, (key, value) in enumerate(config):
        variables[f"GIT_CONFIG_KEY_{index}"] = key
        variables[f"GIT_CONFIG_VALUE_{index}"] = value
    return variables
