# SPDX-License-Identifier: Apache-2.0
"""Runs every test program with a time limit and counts its cases; the last line is 'N passed, N failed, N skipped'."""
import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT_S = 240
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "LSAN_OPTIONS": "suppressions=%s:print_suppressions=0" % (ROOT / "tests" / "lsan.supp"),
    "TSAN_OPTIONS": "halt_on_error=0:exitcode=99:suppressions=%s" % (ROOT / "tests" / "tsan.supp"),
}


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.problems = []


def programs():
    """(name, command) of everything to run, unsanitized first."""
    for preset in ("debug", "asan", "tsan"):
        folder = ROOT / "build" / preset / "tests"
        for path in sorted(folder.glob("unit_*")) + sorted(folder.glob("integration_*")) + \
                sorted(folder.glob("fault_*")):
            if path.is_file() and os.access(path, os.X_OK):
                yield "%s/%s" % (preset, path.name), [str(path)]
        for path in sorted(folder.glob("fuzz_*")) if preset == "asan" else []:
            corpus = ROOT / "tests" / "fuzz" / "corpus" / path.name[len("fuzz_"):]
            if path.is_file() and os.access(path, os.X_OK):
                yield "%s/%s" % (preset, path.name), [str(path), str(corpus)]
    for path in sorted((ROOT / "build" / "debug" / "tests" / "sim").glob("actr_*")):
        if path.is_file() and os.access(path, os.X_OK):
            yield "sim/%s" % path.name, [str(path), "--seeds", "50", "--twice"]
    for path in sorted((ROOT / "tests" / "checks").glob("*")):
        if path.is_file() and os.access(path, os.X_OK):
            yield "checks/%s" % path.name, [str(path)]


def run(command):
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", BUILD=str(ROOT / "build" / "debug"), **SANITIZERS)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               cwd=ROOT, env=env, start_new_session=True)
    try:
        output = process.communicate(timeout=LIMIT_S)[0].decode(errors="replace")
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output = process.communicate()[0].decode(errors="replace")
        return "time limit of %d s" % LIMIT_S, output


def judge(name, status, output, count):
    lines = output.splitlines()
    failed = [line for line in lines if re.match(r"not ok\b", line)]
    oks = [line for line in lines if re.match(r"ok\b", line)]
    skipped = [line for line in oks if re.search(r"# ?skip", line, re.I)]
    if not oks and not failed:
        failed = ["no case was run"]
    elif status != 0 and not failed:
        failed = ["ended with %s" % status]
    count.passed += len(oks) - len(skipped)
    count.skipped += len(skipped)
    count.failed += len(failed)
    if failed:
        count.problems.append(name)
        print("\n".join("    " + line for line in lines[-60:]))
        print("FAILED %s: %s" % (name, "; ".join(failed)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    only = parser.parse_args().only
    count = Count()
    for name, command in programs():
        if only not in name:
            continue
        begin = time.monotonic()
        status, output = run(command)
        before = count.failed
        judge(name, status, output, count)
        word = "ok" if count.failed == before else "FAILED"
        print("%-60s %-6s %6.1f s" % (name, word, time.monotonic() - begin), flush=True)
    for name in count.problems:
        print("failed: %s" % name)
    print("%d passed, %d failed, %d skipped" % (count.passed, count.failed, count.skipped))
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main())
