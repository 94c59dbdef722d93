#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The JSON schema of Actr.toml over the recorded manifests: it refuses nothing that the parser reads, but for keys that are
ignored there, and catches most of what the parser refuses. Prints one TAP line a case."""
import json
import pathlib
import re
import subprocess
import sys
import tomllib

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
VECTORS = ROOT / "tests" / "vectors" / "config"
UNKNOWN_KEYS = {"edition-in-package", "webrtc-credentials", "acl-documented-from", "dependency-unknown-key", "exports-after-table",
                "unknown-keys"}
# The rest needs other files, other levels of the tables, or what stands behind a scheme.
CAUGHT_AT_LEAST = 75


def stricter():
    text = (ROOT / "tests" / "unit" / "config" / "differences.h").read_text()
    return set(re.findall(r'\{"([\w-]+)", STRICTER', text))


def main():
    schema = json.loads((ROOT / "docs" / "actr-toml.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    allowed = UNKNOWN_KEYS | stricter()
    accepted = caught = missed = 0
    wrong = []
    for case in json.loads((VECTORS / "cases.json").read_text())["cases"]:
        expected = case.get("expected_tag_v0_1_15") or case["expected"]
        try:
            manifest = tomllib.loads((VECTORS / case["file"]).read_bytes().decode("utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
            continue
        errors = [error.message for error in validator.iter_errors(manifest)]
        if not expected["ok"]:
            caught += bool(errors)
            missed += not errors
        elif errors and case["name"] not in allowed:
            wrong.append("%s: %s" % (case["name"], errors[0]))
        else:
            accepted += 1
    print("# schema: %d accepted, %d refused ones caught, %d that only the parser catches" % (accepted, caught, missed))
    print("%s 1 - what the parser reads passes the schema" % ("not ok" if wrong else "ok"))
    for line in wrong:
        print("# " + line)
    print("%s 2 - most of what the parser refuses does not" % ("ok" if caught >= CAUGHT_AT_LEAST else "not ok"))
    return 1 if wrong or caught < CAUGHT_AT_LEAST else 0


if __name__ == "__main__":
    sys.exit(main())
