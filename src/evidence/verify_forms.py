"""The forms of a bundle's files: canonical JSON, keys, signed notes, checkpoints, proofs, SSH signatures.

A part of verify_bundle.py. Needs Python's standard library, OpenSSL 3 and OpenSSH.
"""
import base64
import hashlib
import json
import os
import re
import subprocess
import tempfile

import verify_log
from verify_log import Fails, Incomplete


class Unseen(Incomplete):
    """Something is not there, although all that is there is as it was sealed."""


class Unsigned(Fails):
    """A note names no signature of the key."""


class NotChecked(Exception):
    """A tool or file that the check itself needs is not there."""


def demand(holds, words, kind=Fails):
    if not holds:
        raise kind(words)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def number(value):
    """A number as RFC 8785 writes it."""
    if isinstance(value, int) and abs(value) <= 1 << 53:
        return str(value)
    value = float(value)
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return mantissa
    if -7 < int(exponent) < 0:
        sign, digits = ("-" if mantissa[0] == "-" else ""), mantissa.lstrip("-").replace(".", "")
        return f"{sign}0.{'0' * (-int(exponent) - 1)}{digits}"
    return f"{mantissa}e{'+' if int(exponent) > 0 else '-'}{abs(int(exponent))}"


def canonical(value):
    """The RFC 8785 text of a value."""
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be"))
        return "{" + ",".join(json.dumps(key, ensure_ascii=False) + ":" + canonical(one) for key, one in items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(value)
    return json.dumps(value, ensure_ascii=False)


def plain64(text):
    """Base64 in its one spelling."""
    data = base64.b64decode(text, validate=True)
    demand(base64.b64encode(data).decode() == text, "base64 in another spelling")
    return data


def run(command, stdin=b""):
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=60)
    except FileNotFoundError as problem:
        raise NotChecked(f"{command[0]} is not installed") from problem
    return done.returncode == 0, done.stdout.decode(errors="replace")


def ssh_keygen(action, signature, message, *extra):
    """Asks OpenSSH; `extra` holds pairs of an option and its value, of which bytes are put into a file."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["ssh-keygen", "-Y", action]
        for place, value in enumerate([b"", *extra, "-s", signature]):
            if isinstance(value, bytes) and place:
                path = os.path.join(folder, str(place))
                with open(path, "wb") as file:
                    file.write(value)
                value = path
            command += [value] if place else []
        return run(command, message)


# What stands before the point of a P-256 key in DER, and that curve: y^2 = x^3 - 3x + b modulo p.
P256_DER = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
P256_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
P256_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


class Key:
    """A named key: Ed25519 (kind 1), of a witness, which signs in another way (4), or P-256, for seals alone (2)."""

    def __init__(self, text, *kinds):
        self.text = text
        self.name, key_id, encoded = text.split("+", 2)
        data = plain64(encoded)
        self.kind, self.public = int.from_bytes(data[:1], "big"), data[1:]
        if self.kind == 2:
            self.der, self.id = self.public, hashlib.sha256(self.public).digest()[:4]
            self.public = self.public.removeprefix(P256_DER)
            sound = len(self.public) == 65 and self.public[0] == 4 and self.der == P256_DER + self.public
            sound = sound and on_curve(int.from_bytes(self.public[1:33], "big"), int.from_bytes(self.public[33:], "big"))
        else:
            self.der, self.id = verify_log.DER + self.public, hashlib.sha256(self.name.encode() + b"\n" + data).digest()[:4]
            sound = len(self.public) == 32
        demand(sound and self.kind in (kinds or (1,)) and self.id.hex() == key_id, "it is not a verifier key")

    def verifies(self, message, signature):
        if self.kind == 2:
            return verify_log.openssl_verifies(self.der, message, signature, "-digest", "sha256")
        return len(signature) == 64 and verify_log.openssl_verifies(self.der, message, signature)

    def pem(self):
        rows = re.findall(".{1,64}", base64.b64encode(self.der).decode())
        return "\n".join(["-----BEGIN PUBLIC KEY-----", *rows, "-----END PUBLIC KEY-----", ""])

    def dsse_id(self):
        """The name by which securesystemslib knows it. Line ends of a PEM text stand in that as they are."""
        words = ("ecdsa", self.pem(), "ecdsa-sha2-nistp256") if self.kind == 2 else ("ed25519", self.public.hex(), "ed25519")
        return digest(('{"keytype":"%s","keyval":{"public":"%s"},"scheme":"%s"}' % words).encode())

    def ssh(self):
        """Type and key as OpenSSH writes them."""
        fields = (b"ecdsa-sha2-nistp256", b"nistp256", self.public) if self.kind == 2 else (b"ssh-ed25519", self.public)
        blob = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
        return f"{fields[0].decode()} {base64.b64encode(blob).decode()}"


def on_curve(x, y):
    return max(x, y) < P256_P and (y * y - x * x * x + 3 * x - P256_B) % P256_P == 0


def note(data):
    """The text of a signed note, and its signatures."""
    whole = data.decode()
    demand(not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", whole), "it holds control characters")
    text, found, lines = whole.rpartition("\n\n")
    demand(found and lines.endswith("\n"), "it is not a signed note")
    signatures = []
    for line in lines[:-1].split("\n"):
        parts = re.fullmatch("\u2014 (\\S+) (\\S+)", line)
        demand(parts, "a signature line is not one")
        signatures.append((parts[1], plain64(parts[2])))
    return text + "\n", signatures


def signed(data, key):
    """The text of a note, if the key signed it."""
    text, signatures = note(data)
    own = [data[4:] for name, data in signatures if name == key.name and data[:4] == key.id]
    demand(own, f"it is not signed by {key.name}", Unsigned)
    demand(all(key.verifies(text.encode(), signature) for signature in own), f"the signature of {key.name} does not fit")
    return text


def checkpoint(data, key):
    text = signed(data, key)
    origin, size, encoded = text.split("\n")[:3]
    root = plain64(encoded)
    exact = f"{origin}\n{int(size)}\n{encoded}\n" == text and len(root) == 32
    demand(exact, "it is not a checkpoint")
    return origin, int(size), root


def hashes(lines):
    found = [plain64(line) for line in lines]
    demand(all(len(one) == 32 for one in found), "it is not a list of hashes")
    return found


def tlog_proof(text):
    """The place, the hashes and the checkpoint of a `tlog-proof`, in its one spelling."""
    head, _, note_text = text.partition("\n\n")
    lines = head.split("\n")
    index = int(lines[1].removeprefix("index "))
    demand(lines[:2] == ["c2sp.org/tlog-proof@v1", f"index {index}"] and len(lines) <= 66, "it is not a tlog-proof")
    return index, hashes(lines[2:]), note_text


def grown(text, old, new):
    """Whether a proof of growth, in its one spelling, leads from an older head (size and root) to a newer one."""
    proof = hashes(text.split("\n")[1:-1])
    exact = f"old {old[0]}\n" + "".join(base64.b64encode(one).decode() + "\n" for one in proof) == text
    return exact and verify_log.consistent(*old, *new, proof)


def included(leaf, index, size, path, root):
    """Whether a leaf stands at a place of a tree (RFC 9162, 2.1.3.2)."""
    place, last = index, size - 1
    if index >= size:
        return False
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            leaf = hashlib.sha256(b"\x01" + sibling + leaf).digest()
            while place & 1 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            leaf = hashlib.sha256(b"\x01" + leaf + sibling).digest()
        place, last = place >> 1, last >> 1
    return last == 0 and leaf == root


def fingerprint(encoded):
    return "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(encoded)).digest()).decode().rstrip("=")


PERISHABLE = ("readback/", "rendered/")
YEARS = 7


def kept_until(entries):
    """Until when the files of each run that is not in effect any more have to be kept, as texts that sort by time."""
    began = {}
    for entry in entries:
        if entry.get("run"):
            began.setdefault(entry["run"], entry["at"])
    over = list(began.values())[1:] + [entry["at"] for entry in entries if entry["kind"] == "retirement.completed"][:1]
    later = (re.sub(r"-02-29T", "-02-28T", f"{int(at[:4]) + YEARS:04}{at[4:]}", count=1) for at in over)
    return dict(zip(began, later))


def gone(entries):
    """Digests of files that may be missing, since an entry that was not written too early stands for them."""
    stones = [entry for entry in entries if entry["kind"] == "record.pruned" and "kept_until" in entry["body"]]
    if not stones:
        return set()
    keep = kept_until(entries)
    for stone in stones:
        until = keep.get(stone["body"]["run"])
        in_time = until == stone["body"]["kept_until"] and until <= stone["at"]
        demand(in_time, f"entry {stone['seq']} stands for files that had to be kept")
    dead = {stone["body"]["run"] for stone in stones}
    named = [(entry.get("run") in dead and ref["path"].startswith(PERISHABLE), ref["sha256"])
             for entry in entries for ref in entry.get("refs", [])]
    return {sha256 for perishes, sha256 in named if perishes} - {sha256 for perishes, sha256 in named if not perishes}
