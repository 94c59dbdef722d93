# SPDX-License-Identifier: Apache-2.0
"""Two nodes that call each other over WebRTC on this machine, for the benchmarks."""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile

ALIKE = 5000  # calls after which memory is read: the same for us and for the slower reference

def start(command, ready):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    line = process.stdout.readline()
    if ready not in line:
        sys.exit("bench: %s did not start" % command[0])
    return process, line


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


def config(folder, url, name, actor, mailbox):
    text = '[package]\nname = "%s"\n[package.actr_type]\nmanufacturer = "acme"\nname = "%s"\n[system.signaling]\n' \
           'url = "%s"\n[system.deployment]\nrealm = 1001\n' % (name, actor, url)
    if mailbox:
        text += '[system.storage]\nmailbox_path = "%s"\n' % (pathlib.Path(folder) / (name + ".db"))
    path = pathlib.Path(folder) / (name + ".toml")
    path.write_text(text)
    return str(path)


def pss_mb(pid):
    for line in pathlib.Path("/proc/%d/smaps_rollup" % pid).read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def pair(bin_folder, program, durable, outstanding, count):
    with tempfile.TemporaryDirectory() as folder:
        server, line = start([bin_folder / "actr", "signaling", "--listen", "127.0.0.1:0"], "listening")
        url = line.split()[-1]
        service, _ = start([program, "--config", config(folder, url, "service", "EchoService", durable), "serve"], "ready")
        client = [program, "--config", config(folder, url, "client", "Client", durable), "call", "--outstanding",
                  str(outstanding), "--count"]

        def call(calls):
            return subprocess.run(client + [str(calls)], capture_output=True, text=True, timeout=300)

        out = call(min(count, ALIKE))
        pss = pss_mb(service.pid)
        if count > ALIKE:
            out = call(count)
        pss_after = pss_mb(service.pid)
        stop(service)
        stop(server)
        try:
            report = json.loads(out.stdout.splitlines()[-1])
        except (IndexError, ValueError):
            sys.exit("bench: %s said nothing: %s" % (program, out.stderr[-300:]))
        report["first_ms"] = report["first_reply_ms"] - report["discover_ms"]
        report["pss_mb"] = pss
        report["pss_after_mb"] = pss_after
        return report
