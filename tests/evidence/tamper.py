"""Tampers with every entry of a bundle's log and asks the bundle's own verify_log.py about each.

usage: tamper.py BUNDLE OTHER_BUNDLE WAY…

Prints a line for each case: way, place, accepted or refused.
"""
import os
import sys
import tempfile

bundle, other, ways = sys.argv[1], sys.argv[2], sys.argv[3:]
sys.path.insert(0, bundle)
import verify_log  # noqa: E402  the script of the bundle itself

# The checkpoint is the same in all cases, so OpenSSL is asked about it once.
asked = {}
ask = verify_log.openssl_verifies


def ask_once(*question):
    if question not in asked:
        asked[question] = ask(*question)
    return asked[question]


verify_log.openssl_verifies = ask_once


def read(folder):
    with open(os.path.join(folder, "journal/site.jsonl"), "rb") as file:
        return file.read().split(b"\n")[:-1]


def tampered(way, at, lines, others):
    lines = list(lines)
    if way == "flip":
        line = bytearray(lines[at])
        line[at * 31 % len(line)] ^= 1
        lines[at] = bytes(line)
    elif way == "delete":
        del lines[at]
    elif way == "duplicate":
        lines.insert(at, lines[at])
    elif way == "swap":
        if at + 1 == len(lines):
            return None
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
    elif way == "cut":
        del lines[at:]
    elif way == "foreign":
        if at >= len(others):
            return None
        lines[at] = others[at]
    else:
        raise SystemExit(f"no way is called {way}")
    return lines


def said(lines, scratch):
    journal = os.path.join(scratch, "site.jsonl")
    with open(journal, "wb") as file:
        file.write(b"".join(line + b"\n" for line in lines))
    paths = [os.path.join(bundle, name) for name in ("journal/checkpoint", "keys/log.vkey", "journal/leaves")]
    try:
        verify_log.check(journal, *paths)
        return "accepted"
    except verify_log.Fails:
        return "refused"


with tempfile.TemporaryDirectory() as scratch:
    own, others = read(bundle), read(other)
    print("whole", 0, said(own, scratch))
    for way in ways:
        for at in range(len(own)):
            lines = tampered(way, at, own, others)
            if lines is not None:
                print(way, at, said(lines, scratch))
