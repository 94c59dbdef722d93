#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes cases.json: what Google's own mapping (Debian: python3-protobuf) makes of each text of CASES, and of the bytes of
BYTES: [type, JSON text or null, bytes in hex, JSON that the bytes become]."""
import json
import pathlib
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

HERE = pathlib.Path(__file__).resolve().parent
CASES = [
    ("acme.Scalars", '{}'),
    ("acme.Scalars", '{"aDouble": 1.5, "aFloat": 0.1, "anInt32": -7, "anInt64": "-9223372036854775808", "aUint32": 4294967295,'
     ' "aUint64": "18446744073709551615", "aSint32": -2147483648, "aSint64": "-1", "aFixed32": 1, "aFixed64": "2",'
     ' "aSfixed32": -3, "aSfixed64": "-4", "aBool": true, "aString": "h\\u00e4\\u0000\\"x", "someBytes": "AAECA/8=",'
     ' "mode": "COOL", "maybe": 0, "other-name": "r"}'),
    ("acme.Scalars", '{"a_double": 0, "an_int32": 0, "a_bool": false, "a_string": "", "some_bytes": "", "mode": "OFF", "renamed": "x"}'),
    ("acme.Scalars", '{"anInt32": 1.0, "aUint32": "12", "aSint32": 1e3, "anInt64": 12345678901, "aFixed32": "7"}'),
    ("acme.Scalars", '{"aDouble": "NaN", "aFloat": "-Infinity"}'),
    ("acme.Scalars", '{"aDouble": "Infinity", "aFloat": 3.4028234e38}'),
    ("acme.Scalars", '{"aDouble": 1e-300, "aFloat": 1e-10}'),
    ("acme.Scalars", '{"aDouble": 1234567890123456789, "aFloat": 16777217}'),
    ("acme.Scalars", '{"aDouble": "2.5", "aFloat": "1e2"}'),
    ("acme.Scalars", '{"mode": 1, "maybe": null, "aString": null}'),
    ("acme.Scalars", '{"mode": 77}'),
    ("acme.Scalars", '{"mode": -2, "maybe": 5}'),
    ("acme.Scalars", '{"someBytes": "-_-_"}'),
    ("acme.Scalars", '{"aSint32": 2147483647, "aSint64": "9223372036854775807"}'),
    ("acme.Lists", '{"packed": [1, 2, -3], "loose": [4, 5], "strings": ["a", ""], "modes": ["HEAT", 0, -2], "doubles": [0.5, 1],'
     ' "zigzags": ["-1", 1], "bools": [true, false], "lists": [{}, {"packed": [9]}]}'),
    ("acme.Lists", '{"packed": [], "strings": null}'),
    ("acme.Maps", '{"byName": {"a": 1, "": 2}, "byNumber": {"-5": "x"}, "byTruth": {"true": {"anInt32": 3}, "false": {}},'
     ' "modes": {"18446744073709551615": "HEAT"}, "raw": {"-1": "AQ=="}}'),
    ("acme.Choice", '{"text": ""}'),
    ("acme.Choice", '{"number": 0, "beside": "b"}'),
    ("acme.Choice", '{"inner": {"inner": {"number": 3}}}'),
    ("acme.Choice", '{"nothing": null}'),
    ("acme.Known", '{"time": "2026-11-25T08:30:00.123Z", "duration": "1.000000001s", "mask": "room,set.pointName"}'),
    ("acme.Known", '{"time": "0001-01-01T00:00:00Z", "duration": "-0.5s"}'),
    ("acme.Known", '{"time": "9999-12-31T23:59:59.999999999Z", "duration": "0s", "mask": ""}'),
    ("acme.Known", '{"time": "2000-02-29T12:00:00+02:30", "times": ["1970-01-01T00:00:00Z", "1969-12-31T23:59:59.5Z"]}'),
    ("acme.Known", '{"data": {"a": 1, "b": [true, null, "x", {"c": {}}], "": []}, "value": null, "list": [1, [2]]}'),
    ("acme.Known", '{"value": {"a": "b"}, "list": []}'),
    ("acme.Known", '{"maybeInt64": "0", "maybeString": "", "maybeBool": false, "maybeBytes": "AQI=", "maybeDouble": -0.5}'),
    ("acme.Known", '{"maybeInt64": null, "empty": {}, "values": [null, 1, "s"]}'),
    ("acme.Known", '{"any": {"@type": "type.googleapis.com/acme.Choice", "text": "t"}}'),
    ("acme.Known", '{"any": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "3s"}}'),
    ("acme.Known", '{"any": {"@type": "x/acme.Nested", "inner": {"y": 4}}}'),
    ("acme.Nested", '{"inner": {"inmost": {"x": 1}, "y": 2}, "legacy": {"name": "n", "count": 0, "kind": "TWO", "loose": [1, 2], "packed": [3, 4]}}'),
    ("old.Legacy", '{"name": ""}'),
    ("google.protobuf.Struct", '{"x": 1}'),
    ("google.protobuf.Value", '[1, null]'),
    ("google.protobuf.Timestamp", '"1999-12-31T23:59:60Z"'.replace(":60Z", ":59Z")),
    ("google.protobuf.UInt64Value", '"18446744073709551615"'),
]
BYTES = [  # what no JSON text gives: order, repetition, unknown fields, both packings
    ("acme.Scalars", "180118021803"),
    ("acme.Scalars", "b03e01" "1805"),
    ("acme.Lists", "080108020a020304"),
    ("acme.Lists", "12020102" "1003"),
    ("acme.Choice", "0a0161" "1003"),
    ("acme.Choice", "1a021001" "1a030a0162"),
    ("acme.Maps", "0a030a0161" "0a050a01611007" "1200"),
    ("acme.Nested", "0a021001" "0a040a020805"),
    ("acme.Known", "0a020805" "3a00" "2200" "2a00" "3200"),
    ("acme.Scalars", "8001" "cd01"),
]


def main():
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "set"
        subprocess.run(["protoc", "-I", HERE, "-I", HERE.parent.parent.parent / "include", "--include_imports",
                        "--descriptor_set_out=%s" % out, "everything.proto"], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    factory = message_factory.MessageFactory(pool)

    def new(name):
        return factory.GetPrototype(pool.FindMessageTypeByName(name))()

    cases = []
    for name, text in CASES:
        message = json_format.Parse(text, new(name), descriptor_pool=pool)
        back = json.loads(json_format.MessageToJson(message, descriptor_pool=pool))
        cases.append([name, text, message.SerializeToString(deterministic=True).hex(), back])
    for name, data in BYTES:
        message = new(name)
        message.ParseFromString(bytes.fromhex(data))
        cases.append([name, None, data, json.loads(json_format.MessageToJson(message, descriptor_pool=pool))])
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    (HERE / "cases.json").write_text("[\n%s\n]\n" % lines)
    print(len(cases), "cases")


sys.exit(main())
