# SPDX-License-Identifier: Apache-2.0
"""Decodes a capture of ./dev capture into the table of docs/what-happens-on-the-wire.md: FOLDER CONNECTED SERVER-PORT.

tshark reads STUN, DTLS (with the keys that were kept) and WebSocket; protoc reads the protobuf messages; the SCTP chunks and
DCEP messages inside the DTLS records are read here (RFC 9260, RFC 8832)."""
import json
import pathlib
import re
import struct
import subprocess
import sys

FOLDER, CONNECTED, SERVER_PORT = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
PROTO = pathlib.Path(__file__).resolve().parent.parent.parent / "proto"
CHUNKS = {0: "DATA", 1: "INIT", 2: "INIT ACK", 3: "SACK", 4: "HEARTBEAT", 5: "HEARTBEAT ACK", 6: "ABORT", 7: "SHUTDOWN",
          8: "SHUTDOWN ACK", 9: "ERROR", 10: "COOKIE ECHO", 11: "COOKIE ACK", 14: "SHUTDOWN COMPLETE", 130: "RE-CONFIG",
          192: "FORWARD-TSN"}
HANDSHAKE = {1: "ClientHello", 2: "ServerHello", 11: "Certificate", 12: "ServerKeyExchange", 13: "CertificateRequest",
             14: "ServerHelloDone", 15: "CertificateVerify", 16: "ClientKeyExchange", 20: "Finished"}


def protoc(message, file, data):
    out = subprocess.run(["protoc", "-I", PROTO, "--decode=" + message, PROTO / file], input=data, capture_output=True, check=True)
    return out.stdout.decode()


def field(text, name):
    found = re.search(r'^\s*%s: "?([^"\n]*)"?$' % name, text, re.M)
    return found.group(1) if found else ""


def fields(data):
    """{number: value} of a protobuf message, the last of each."""
    at, out = 0, {}

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        value = varint()
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        out[key >> 3] = value
    return out


def envelope(data):  # lifecycle-and-rpc 6.1
    f = fields(data)
    what = "error %d" % fields(f[3]).get(1, 0) if 3 in f else "payload %d B" % len(f.get(2, b""))
    return "RpcEnvelope `%s` request %s…, %s, timeout %d ms" % (f[1].decode(), f[102].decode()[:8], what, f[104])


class Association:
    def __init__(self):
        self.labels = {}

    def data(self, chunk, flags):
        tsn, stream, number, kind = struct.unpack(">IHHI", chunk[:12])
        body = chunk[12:]
        where = "stream %d" % stream
        if stream in self.labels:
            where += " " + self.labels[stream]
        if kind == 50 and body[0] == 3:
            label = body[12:12 + struct.unpack(">H", body[8:10])[0]].decode()
            self.labels[stream] = label
            return "DATA stream %d: DCEP OPEN `%s`, channel type 0x%02x, reliability %d" % (
                stream, label, body[1], struct.unpack(">I", body[4:8])[0])
        if kind == 50:
            return "DATA %s: DCEP ACK" % where
        if flags & 3 != 3:
            return "DATA %s: %d B of a message" % (where, len(body))
        return "DATA %s: %s" % (where, envelope(body))

    def packet(self, data):
        at, said = 12, []
        while at + 4 <= len(data):
            kind, flags, size = struct.unpack(">BBH", data[at:at + 4])
            if size < 4:
                break
            body = data[at + 4:at + size]
            said.append(self.data(body, flags) if kind == 0 else CHUNKS.get(kind, "chunk %d" % kind))
            at += (size + 3) & ~3
        return "SCTP " + "; ".join(said)


def signaling(data):
    text = protoc("signaling.SignalingEnvelope", "signaling.proto", data)
    names = re.findall(r"^\s*([a-z_]+) \{$", text, re.M)
    known = [n for n in names if re.search(r"request$|response$|ping$|pong$|candidate$|description$|negotiation$|assignment$|error$", n)]
    what = known[0] if known else names[0]
    extra = ""
    if what == "session_description":
        extra = " " + {"0": "OFFER", "1": "ANSWER"}.get(field(text, "type"), field(text, "type"))
    if what == "role_assignment":
        extra = " is_offerer %s" % (field(text, "is_offerer") or "false")
    if what == "ice_candidate":
        extra = " `%s`" % field(text, "candidate")
    return ("relay: " if "actr_relay" in names else "") + what + extra


def hexes(layers, name):
    value = layers.get(name)
    values = value if isinstance(value, list) else [value] if value else []
    return [bytes.fromhex(v.replace(":", "")) for v in values]


def tshark(display, port):
    command = ["tshark", "-r", FOLDER / "packets.pcap", "-Y", display, "-o", "tls.keylog_file:%s" % (FOLDER / "keys"), "-T", "json"]
    for name in ("frame.time_relative", "udp.srcport", "tcp.srcport", "tcp.dstport", "udp.length", "stun.type", "stun.att.type",
                 "dtls.handshake.type", "dtls.record.content_type", "dtls.alert_message.desc", "data.data",
                 "http.request.uri", "http.response.code"):
        command += ["-e", name]
    for p in port:
        command += ["-d", "dtls.port==%s,data" % p]
    out = subprocess.run(command, capture_output=True, check=True).stdout
    return [p["_source"]["layers"] for p in json.loads(out)]


def udp(layers, association):
    if "stun.type" in layers:
        kind = {"0x0001": "binding request", "0x0101": "binding response"}.get(layers["stun.type"][0], layers["stun.type"][0])
        return "STUN " + kind + (", USE-CANDIDATE" if "0x0025" in layers.get("stun.att.type", []) else "")
    parts = []
    if "dtls.handshake.type" in layers:
        parts.append("DTLS handshake: " + ", ".join(HANDSHAKE.get(int(t), "type " + t) for t in layers["dtls.handshake.type"]))
    parts += [association.packet(data) for data in hexes(layers, "data.data")]
    if not parts and "21" in layers.get("dtls.record.content_type", []):
        parts.append("DTLS alert: close_notify")
    return ("; ".join(parts) or "DTLS record").replace("|", "\\|")


def main():
    local, remote = re.match(r".*host \S*:(\d+) -> host \S*:(\d+),", CONNECTED).groups()
    names, association, begin = {local: "client", remote: "service"}, Association(), None
    print("As the client saw it: `%s`." % CONNECTED)
    print("\n## At the signaling server\n\n| ms | from | to | what |\n|---|---|---|---|")
    who = {SERVER_PORT: "server"}
    for layers in tshark("tcp.port == %s and (http or websocket)" % SERVER_PORT, []):
        source, target, at = layers["tcp.srcport"][0], layers["tcp.dstport"][0], float(layers["frame.time_relative"][0])
        for port in (source, target):
            who.setdefault(port, ("service", "client")[len(who) - 1] if len(who) < 3 else port)
        begin = at if begin is None else begin
        said = [signaling(d) for d in hexes(layers, "data.data") if len(d) > 8]
        if "http.request.uri" in layers:
            said.append("HTTP upgrade")
        if "http.response.code" in layers:
            said.append("HTTP " + layers["http.response.code"][0])
        for what in said:
            print("| %.2f | %s | %s | %s |" % ((at - begin) * 1000, who[source], who[target], what))
    print("\n## Between the two\n\n| ms | from | bytes | what |\n|---|---|---|---|")
    for layers in tshark("udp.port == %s" % local, (local, remote)):
        at, size = float(layers["frame.time_relative"][0]), int(layers["udp.length"][0]) - 8
        begin = at if begin is None else begin
        print("| %.2f | %s | %d | %s |" % ((at - begin) * 1000, names.get(layers["udp.srcport"][0], "?"), size, udp(layers, association)))


main()
