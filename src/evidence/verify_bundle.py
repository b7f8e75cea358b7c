#!/usr/bin/env python3
"""Checks a whole evidence bundle with Python's standard library, OpenSSL 3 and OpenSSH, and nothing of Landfall's.

usage: verify_bundle.py BUNDLE [--key VKEY] [--witness VKEY] [--previous PATH] [--allow-rehearsal]

The same checks under the same names as `landfall evidence verify`, written a second time and apart from it, so that a
mistake in one of them shows. Integrity (is what is here what was sealed?) and completeness (is all there that should
be?) are two verdicts; the first bad entry is named. It needs the other verify_*.py beside it.

--key         the log key that you were given on another way, or one that it took over from; without it, the one in the
              bundle is used and proves little
--bundle-key  the key of the seal that you were given on another way, or one that it took over from
--witness     the key of a witness whose cosignature must be there
--previous    a bundle or checkpoint that you kept: the log must continue it
--tsa-ca      the certificates that you trust for time stamps
Exit code 0: holds. 1: does not hold. 2: could not be checked.
"""
import argparse
import base64
import json
import os
import re
import sys

sys.dont_write_bytecode = True  # a file more would not be on the bundle's list
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import verify_handovers  # noqa: E402
import verify_log  # noqa: E402
import verify_outside  # noqa: E402
import verify_populations  # noqa: E402
from verify_forms import (  # noqa: E402
    Key, NotChecked, Unseen, canonical, checkpoint, demand, digest, fingerprint, gone, grown, included, note, plain64, signed,
    ssh_keygen, tlog_proof,
)
from verify_log import Fails, Incomplete, is_redacted, leaf_hash  # noqa: E402
from verify_statements import SCANNED_SINCE, about_bundle, answered, statements  # noqa: E402

VERSION, FILES_MAX, BYTES_MAX = 2, 200_000, 4 << 30
SEALS = ["SHA256SUMS", "SHA256SUMS.note", "SHA256SUMS.sig", "attestations/bundle.dsse.json"]
DECISIONS = {
    "request": "approval.requested", "review": "review.given", "approve": "approval.given",
    "reject": "approval.rejected", "attest": "attestation.given", "not-applicable": "item.not-applicable",
    "waive": "waiver.granted", "break-glass": "break-glass.opened", "withdraw": "decision.withdrawn",
}
OUTCOMES = {"step.succeeded": "succeeded", "step.failed": "failed", "step.blocked": "blocked"}


class Bundle:
    """Files by path, and what earlier checks found of them. Each check gives words, or fails."""

    def __init__(self, files, key=None, witness=None, previous=None, tsa_roots=None, bundle_key=None):
        self.files, self.pinned, self.witness_key, self.previous = files, key, witness, previous
        self.tsa_roots, self.pinned_bundle, self.rehearsal = tsa_roots, bundle_key, False

    def file(self, path):
        demand(path in self.files, f"{path} is missing", Incomplete)
        return self.files[path]

    def need(self, *names):
        for name in names:
            demand(hasattr(self, name), f"not checked, because {name.replace('_', ' ')} does not hold")

    def head(self):
        return f"{self.log_key.name}/site/{self.manifest['site']}"

    def check_manifest(self):
        manifest = json.loads(self.file("bundle.json"))
        demand(1 <= manifest["v"] <= VERSION, f"the bundle has format {manifest['v']}")
        self.rehearsal = bool(manifest["rehearsal"])
        told = f"site {manifest['site']}, exported {manifest['exported_at']} by {manifest['exported_by']}"
        self.manifest = manifest
        return told

    def key(self, path, *kinds):
        text = self.file(path).decode()
        demand(text.endswith("\n"), f"{path} is not a verifier key")
        return Key(text[:-1], *kinds)

    def check_log_key(self):
        key = self.key("keys/log.vkey")
        self.rehearsal |= key.name.startswith("rehearsal.")
        ring, self.seal_keys = verify_handovers.chain(
            self.files.get("keys/handovers.json"), key, lambda: checkpoint(self.file("journal/org-checkpoint"), key))
        known = self.pinned is None or ring.holds(self.pinned)
        demand(known, f"keys/log.vkey is {key.text}, but the key that you trust is {self.pinned}")
        self.log_key, self.log_keys = key, ring
        if self.pinned not in (None, key.text):
            return f"{key.text} took over from {self.pinned}, which you gave and which named it in the org log"
        before = f"; it took over from {', then '.join(old.text for old in ring.retired)}" if ring.retired else ""
        return key.text + ("" if self.pinned else ", taken from the bundle itself") + before

    def check_bundle_key(self):
        key, before = self.key("keys/bundle.vkey", 1, 2), getattr(self, "seal_keys", []) if hasattr(self, "log_key") else []
        demand(not before or before[-1].text == key.text, "keys/bundle.vkey is not the key that took over last")
        trusted = [None, key.text, *(old.text for old in before)]
        demand(self.pinned_bundle in trusted, f"keys/bundle.vkey is {key.text}, but the key that you trust is {self.pinned_bundle}")
        self.bundle_key = key
        return key.text if self.pinned_bundle in (None, key.text) else f"{key.text} took over from {self.pinned_bundle}"

    def check_log_signature(self):
        self.need("log_key", "manifest")
        origin, size, root = checkpoint(self.file("journal/checkpoint"), self.log_key)
        demand(origin == self.head(), f"journal/checkpoint is of the log {origin}")
        demand(self.manifest["origin"] == self.log_key.name, "bundle.json names another origin than the log key")
        demand(self.manifest["log"] == {"size": size, "root": root.hex()}, "bundle.json names another head of the log")
        self.log_signature = (size, root)
        return f"{origin}: {size} entries, root {root.hex()}"

    def sealed_leaves(self, size, root):
        """The leaf hashes beside the log, if they are those under the signed root."""
        text = self.files.get("journal/leaves", b"").decode(errors="replace")
        exact = re.fullmatch(r"([0-9a-f]{64}\n)*", text)
        leaves = [bytes.fromhex(line) for line in text.split()] if exact else []
        return leaves if exact and len(leaves) == size and verify_log.root(leaves) == root else None

    def check_log_entries(self):
        self.need("log_signature", "manifest")
        size, root = self.log_signature
        lines = self.file("journal/site.jsonl").split(b"\n")
        rest = lines.pop()  # empty, unless the last line does not end
        own = [leaf_hash(line) for line in (lines + [rest] if rest else lines)]
        leaves = self.sealed_leaves(size, root)
        if len(own) != size or verify_log.root(own) != root:
            if leaves is not None:
                verify_log.compare(lines, leaves)
            demand(len(lines) >= size, f"{len(lines)} of {size} entries", Incomplete)
            raise Fails(f"the {len(lines)} lines are not the {size} entries that were sealed")
        demand(leaves is not None, "journal/leaves is not that of the signed checkpoint")
        demand(not rest, "the last line of journal/site.jsonl does not end")
        self.log_lines, redacted = lines, sum(map(is_redacted, lines))
        self.log_entries = self.entries(lines)
        return f"{size} entries, each as it was sealed" + (f", {redacted} of them redacted" if redacted else "")

    def entries(self, lines):
        """The lines as entries; of a redacted one, what its record left of it."""
        whole = [None if is_redacted(line) else json.loads(line) for line in lines]
        records = {one["body"]["entry"]: one["body"] for one in whole if one and one["kind"] == "redaction.made"}
        for place, line in enumerate(lines):
            if whole[place] is None:
                record = records.get(place)
                demand(record, f"entry {place} was taken away, and no redaction.made entry says why")
                demand(record["leaf"] == line[8:].decode(), f"entry {place}: its record names another leaf hash")
                was = dict(record["was"])
                body = {"redacted": record["reason"], **({"effect": was.pop("effect")} if "effect" in was else {})}
                whole[place] = {"v": 1, "seq": place, "log": f"site/{self.manifest['site']}", "body": body, **was}
            one = whole[place]
            own = (one["v"], one["seq"], one["log"]) == (1, place, f"site/{self.manifest['site']}")
            demand(own, f"entry {place} cannot be used: it is entry {one['seq']} of {one['log']}")
        return whole

    def beginning(self, older, what):
        """An older checkpoint is over exactly the first lines of the log."""
        self.need("manifest", "log_key", "log_entries")
        origin, size, root = older
        demand(origin == self.head(), f"{what} is of the log {origin}")
        have = len(self.log_lines)
        demand(size <= have, f"{what} is over more entries than the log has: {have} of {size} entries", Incomplete)
        same = verify_log.root([leaf_hash(line) for line in self.log_lines[:size]]) == root
        demand(same, f"history was rewritten: the first {size} entries are not those of {what}")

    def check_history(self):
        self.need("manifest", "log_key", "log_signature")
        found, previous = [], self.manifest.get("previous")
        if previous:
            (origin, size, root), by = self.log_keys.open(self.file("journal/previous-checkpoint"))
            demand(origin == self.head(), f"journal/previous-checkpoint is of the log {origin}")
            demand((previous["size"], previous["root"]) == (size, root.hex()), "bundle.json names another previous head")
            holds = grown(self.file("journal/consistency").decode(), (size, root), self.log_signature)
            demand(holds, f"the log does not continue the {size} entries of the previous bundle")
            found.append(f"continues the {size} entries of the previous bundle{by}")
        if self.previous is not None:
            older, by = self.log_keys.open(self.previous)
            self.beginning(older, "the checkpoint that you kept")
            found.append(f"continues the {older[1]} entries of the checkpoint that you kept{by}")
        return "; ".join(found) or "no earlier bundle is named: give --previous with one that you kept"

    def check_witness(self):
        self.need("log_key")
        data = self.files.get("journal/witnessed-checkpoint")
        if data is None:
            if self.witness_key:
                raise Unseen(f"no checkpoint is cosigned by {self.witness_key.name}")
            return "no witness has cosigned this log"
        older, _ = self.log_keys.open(data)
        self.beginning(older, "journal/witnessed-checkpoint")
        self.need("log_signature")
        covered = f"{older[1]} of {self.log_signature[0]} entries"
        if not self.witness_key:
            return f"{covered} are cosigned; give --witness with the witness's key to check by whom"
        text, signatures = note(data)
        witness = self.witness_key
        own = [data[4:] for name, data in signatures if name == witness.name and data[:4] == witness.id]
        demand(own, f"journal/witnessed-checkpoint is not cosigned by {witness.name}")
        for blob in own:
            message = f"cosignature/v1\ntime {int.from_bytes(blob[:8], 'big')}\n{text}".encode()
            demand(witness.verifies(message, blob[8:]), f"the cosignature by {witness.name} does not fit")
        return f"{covered} cosigned by {witness.name}"

    def check_time_stamps(self):
        return verify_outside.stamps(self.files, self.tsa_roots)

    def check_populations(self):
        self.need("manifest", "log_entries")
        return verify_populations.check(self.files, self.manifest["site"], self.log_entries, list(self.decisions()))

    def check_organisation(self):
        self.need("manifest", "log_key")
        origin, size, root = checkpoint(self.file("journal/org-checkpoint"), self.log_key)
        demand(origin == f"{self.log_key.name}/org", f"journal/org-checkpoint is of the log {origin}")
        index, path, ending = tlog_proof(self.file("journal/heads.tlog-proof").decode())
        demand(ending.encode() == self.file("journal/org-checkpoint"), "the proof ends with another checkpoint")
        told = {"size": size, "root": root.hex(), "heads_index": index}
        demand(self.manifest["org"] == told, "bundle.json names another head of the org log")
        line = self.file("journal/heads.json")
        inside = included(leaf_hash(line), index, size, path, root)
        demand(inside and index + 1 == size, "journal/heads.json is not the last entry of the org log")
        entry = json.loads(line)
        body, what = entry["body"], (entry["kind"], entry["log"], entry["seq"])
        demand(what == ("heads", "org", index), "journal/heads.json is not the heads entry of the org log")
        self.need("log_signature")
        heads = [(head["size"], head["root"]) for head in body["heads"] + self.shown_heads(body.get("tree"))]
        own = (self.log_signature[0], self.log_signature[1].hex())
        demand(own in heads, "the org log has sealed another head of this site than the bundle shows", Incomplete)
        for log, head in self.manifest["shared"].items():
            demand((head["size"], head["root"]) in heads, f"the head of {log} is not one that the org log has sealed")
        self.organisation = body
        return f"entry {index} of {size}, its last, holds this log among {body.get('tree', {}).get('size', len(heads))}"

    def shown_heads(self, tree):
        """The heads that are shown to be in the tree of all heads, where an entry holds its root and lists none."""
        if not tree:
            return []
        root, shown = bytes.fromhex(tree["root"]), []
        for one in json.loads(self.files.get("journal/heads.members.json", b"[]")):
            leaf, path = leaf_hash(canonical(one["head"]).encode()), [bytes.fromhex(part) for part in one["hashes"]]
            shown += [one["head"]] if included(leaf, one["index"], tree["size"], path, root) else []
        return shown

    def check_kind_of_run(self):
        self.need("manifest", "log_key")
        rehearsal = self.log_key.name.startswith("rehearsal.")
        demand(self.manifest["rehearsal"] == rehearsal, "bundle.json and the log key disagree on whether this is a rehearsal")
        if rehearsal:
            return "a rehearsal: nothing of it really happened"
        for entry in getattr(self, "log_entries", []):
            demand(entry["actor"]["type"] != "rehearsal", f"entry {entry['seq']} is a rehearsal's, but the bundle is not")
        return "a real run"

    def check_plan(self):
        self.need("manifest")
        raw = json.loads(self.file("plan.json"))
        top, part = (digest(canonical(raw[name]).encode()) for name in ("head", "part"))
        demand(raw["head"]["v"] == 1, "plan.json has a format that is not known")
        demand(raw["digest"] == top, f"the digest of plan.json is {top}, not the one that it names")
        demand(part in raw["head"]["sites"], "plan.json has another part for this site")
        demand(self.manifest["plan"] == top, "bundle.json names another plan")
        demand(raw["part"]["scope"] == f"site/{self.manifest['site']}", f"plan.json is about {raw['part']['scope']}")
        self.need("log_entries")
        for entry in self.log_entries:
            other = entry.get("run") in self.manifest["runs"] and entry.get("plan", top) != top
            demand(not other, f"entry {entry['seq']} is about another plan")
        if not any(entry.get("plan") == top for entry in self.log_entries):
            raise Unseen(f"no entry of the log names the plan {top}")
        self.plan = raw
        return f"{top}, as the log names it"

    def outcomes(self):
        """The last outcome of each step in the runs that the bundle is about."""
        runs = self.manifest["runs"]

        def counts(entry):
            return entry["run"] in runs if "run" in entry and runs else entry.get("plan") == self.plan["digest"]

        return last_outcomes(entry for entry in self.log_entries if counts(entry))

    def check_planned_steps(self):
        self.need("manifest", "plan", "log_entries")
        steps, found = self.plan["part"]["plan"]["steps"], self.outcomes()
        for step in found:
            demand(step in steps, f"{step} has an outcome, which the plan does not know")
        tally = dict.fromkeys(("succeeded", "failed", "blocked"), 0)
        for outcome in found.values():
            tally[outcome] += 1
        tally.update(planned=len(steps), run=tally["succeeded"] + tally["failed"], open=len(steps) - len(found))
        demand(tally == self.manifest["steps"], "the steps that bundle.json counts are not those of the log")
        if tally["open"]:
            open_steps = sorted(set(steps) - set(found))[:5]
            raise Unseen(f"{tally['open']} of {len(steps)} planned steps have no outcome: {', '.join(open_steps)}")
        for end in self.log_entries:
            if end["kind"] == "run.ended" and miscounted(end, self.log_entries):
                raise Unseen(f"entry {end['seq']} ends a run with other counts of steps than the entries before it show")
        self.planned_steps = found
        return "{planned} planned, {run} run, {succeeded} succeeded, {failed} failed, {blocked} blocked".format(**tally)

    def check_named_files(self):
        self.need("log_entries")
        present, count, pruned = {digest(data) for data in self.files.values()}, 0, 0
        spared = gone(self.log_entries)
        for entry in self.log_entries:
            for ref in entry.get("refs", []):
                if ref["sha256"] in spared:
                    pruned += 1
                    continue
                if ref["sha256"] not in present:
                    raise Unseen(f"entry {entry['seq']} names {ref['path']!r}, which no file has")
                count += 1
        return f"{count} files named, all there" + (f", but for {pruned} that need not be kept any longer" if pruned else "")

    def decisions(self):
        for entry in self.log_entries:
            if entry["kind"] in DECISIONS.values() and "statement" in entry["body"]:
                (act,) = entry["body"]["statement"]["act"]
                if DECISIONS.get(act) == entry["kind"]:
                    yield entry["seq"], entry["body"]

    def check_decisions(self):
        self.need("log_entries")
        known, signers = set(), self.files.get("keys/approvers.allowed_signers", b"")
        for seq, body in self.decisions():
            path, told = f"approvals/{seq:04}.json", body["statement"]
            known |= {path, path + ".sig"}
            message, signature = canonical(told).encode(), body["signature"].encode()
            demand(self.file(path) == message, f"entry {seq}: {path} is not what the entry says was signed")
            demand(self.file(path + ".sig") == signature, f"entry {seq}: {path}.sig is not the entry's signature")
            space = ("-n", "decision@landfall")
            good, said = ssh_keygen("check-novalidate", signature, message, *space)
            demand(good and body["key"] in said.split(), f"entry {seq}: {path}.sig does not count")
            listed = [line for line in signers.decode().splitlines() if line.startswith(told["person"] + " ")]
            if any(fingerprint(line.split()[-1]) == body["key"] for line in listed):
                moment = re.sub(r"\D", "", told["at"])[:14] + "Z"
                whose = ("-f", signers, "-I", told["person"], "-O", f"verify-time={moment}")
                good, _ = ssh_keygen("verify", signature, message, *space, *whose)
                demand(good, f"entry {seq}: the signature of {told['person']} did not count at {told['at']}")
        answered(self.log_entries, dict(self.decisions()))
        odd = sorted(path for path in self.files if path.startswith("approvals/") and path not in known)
        demand(not odd, f"{odd[:1]} belongs to no decision of the log")
        return f"{len(known) // 2} decisions, as they were signed" if known else "the log holds no decision"

    def check_scan(self):
        self.need("manifest")
        if self.manifest["v"] < SCANNED_SINCE:
            return "bundles of this version hold no record of it"
        self.need("log_entries")
        record = json.loads(self.file("scan.json"))
        left_out = {"scan.json", *SEALS}
        searched = [data for path, data in self.files.items() if path not in left_out and not path.startswith("attestations/")]
        names = {ref["sha256"] for entry in self.log_entries for ref in entry.get("refs", [])}
        found = (len(self.log_entries), len(names), len(searched), sum(map(len, searched)), 0)
        told = tuple(record[name] for name in ("entries", "named", "files", "bytes", "hits"))
        demand(record["v"] == 1 and told == found, "scan.json is about something else than what is here")
        return f"{found[0]} entries and {found[2]} files searched for {len(record['patterns'])} patterns, none found"

    def check_list(self):
        lines = self.file("SHA256SUMS").decode().split("\n")
        demand(lines.pop() == "", "SHA256SUMS is not a list of digests")
        listed = []
        for line in lines:
            parts = re.fullmatch(r"([0-9a-f]{64})  ([A-Za-z0-9._\- +=@,/]+)", line)
            demand(parts and (not listed or listed[-1] < parts[2]), "SHA256SUMS is not a list of digests")
            demand(digest(self.file(parts[2])) == parts[1], f"{parts[2]} was changed")
            listed.append(parts[2])
        unlisted = sorted(set(self.files) - set(listed) - set(SEALS))
        demand(not unlisted, f"{unlisted[:1]} is not listed in SHA256SUMS")
        return f"{len(listed)} files, each as listed"

    def check_seal(self):
        self.need("manifest", "log_key", "bundle_key", "organisation")
        key, sums = self.bundle_key, self.file("SHA256SUMS")
        demand(key.name == self.log_key.name + "/bundle", "the bundle key is not named after the log key")
        vouched = self.organisation.get("bundle_key", key.text) == key.text
        demand(vouched, "keys/bundle.vkey is not the key that the org log vouches for")
        text = signed(self.file("SHA256SUMS.note"), key)
        same = text == f"landfall evidence bundle 1\n{self.head()}\n{digest(sums)}\n"
        demand(same, "SHA256SUMS.note seals another list of files")
        principal = self.log_key.name.replace(".", "@", 1)
        allowed = f'{principal} namespaces="site-evidence@landfall" {key.ssh()}\n'
        demand(self.file("keys/allowed_signers").decode() == allowed, "keys/allowed_signers holds something else")
        armour = self.file("SHA256SUMS.sig").decode()
        inner = plain64("".join(armour.split("\n")[1:-2]))
        rows = re.findall(".{1,70}", base64.b64encode(inner).decode())
        exact = "\n".join(["-----BEGIN SSH SIGNATURE-----", *rows, "-----END SSH SIGNATURE-----", ""])
        whose = ("-n", "site-evidence@landfall", "-f", allowed.encode(), "-I", principal)
        good = armour == exact and ssh_keygen("verify", armour.encode(), sums, *whose)[0]
        demand(good, "SHA256SUMS.sig is not the SSH signature of the bundle key")
        demand(self.file("keys/bundle.pub.pem").decode() == key.pem(), "keys/bundle.pub.pem holds something else")
        return f"{key.name} seals the list of files {digest(sums)[:12]}"

    def check_attestations(self):
        self.need("manifest", "plan", "log_entries", "bundle_key")
        expected = {"attestations/bundle.dsse.json": about_bundle(self), **statements(self)}
        odd = sorted(path for path in self.files if path.startswith("attestations/") and path not in expected)
        demand(not odd, f"{odd[:1]} attests what the bundle does not show")
        for path, told in expected.items():
            kind, payload = "application/vnd.in-toto+json", canonical(told).encode()
            signature = json.loads(self.file(path))["signatures"][0]["sig"]
            envelope = {"payload": base64.b64encode(payload).decode(), "payloadType": kind,
                        "signatures": [{"keyid": self.bundle_key.dsse_id(), "sig": signature}]}
            same = self.file(path).decode() == canonical(envelope) + "\n"
            demand(same, f"{path} attests something else than the bundle shows")
            message = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
            demand(self.bundle_key.verifies(message, plain64(signature)), f"{path} is not signed by {self.bundle_key.name}")
        return f"{len(expected)} statements signed by {self.bundle_key.name}"

def last_outcomes(entries):
    """A run that is tried again takes back what failed and was blocked; what succeeded stays."""
    last = {}
    for entry in entries:
        if entry["kind"] == "run.retried":
            last = {step: outcome for step, outcome in last.items() if outcome == "succeeded"}
        elif entry["kind"] in OUTCOMES and "step" in entry:
            last[entry["step"]] = OUTCOMES[entry["kind"]]
    return last


def miscounted(end, entries):
    told = end["body"].get("counts")
    if not told:
        return False
    before = (one for one in entries if one.get("run") == end.get("run") and one["seq"] < end["seq"])
    ends = list(last_outcomes(before).values())
    succeeded = sum(told[name] for name in ("unchanged", "created", "updated", "replaced", "deleted", "checked"))
    return (succeeded, told["failed"], told["blocked"]) != tuple(map(ends.count, ("succeeded", "failed", "blocked")))


CHECKS = [
    ("manifest", Bundle.check_manifest), ("log key", Bundle.check_log_key), ("bundle key", Bundle.check_bundle_key),
    ("log signature", Bundle.check_log_signature), ("log entries", Bundle.check_log_entries),
    ("history", Bundle.check_history), ("witness", Bundle.check_witness), ("time stamps", Bundle.check_time_stamps),
    ("organisation's log", Bundle.check_organisation), ("kind of run", Bundle.check_kind_of_run),
    ("plan", Bundle.check_plan), ("planned steps", Bundle.check_planned_steps),
    ("files named by entries", Bundle.check_named_files), ("decisions", Bundle.check_decisions),
    ("list of files", Bundle.check_list), ("seal", Bundle.check_seal), ("attestations", Bundle.check_attestations),
    ("scan", Bundle.check_scan), ("populations", Bundle.check_populations),
]


def verify(bundle):
    """The checks with their outcomes, and the first words against integrity and against completeness."""
    done, broken, missing = [], None, None
    for name, check in CHECKS:
        try:
            done.append((name, True, check(bundle)))
            continue
        except Fails as problem:
            words, cause = str(problem), problem
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as problem:
            words, cause = f"it cannot be read: {type(problem).__name__} {problem}", problem
        done.append((name, False, words))
        if not isinstance(cause, Unseen):
            broken = broken or words
        if isinstance(cause, Incomplete):
            missing = missing or words
    return done, broken, missing


def read(folder):
    """The files of a folder by path; links and devices are no part of a bundle."""
    files, size = {}, 0
    for place, folders, names in os.walk(folder):
        for name in folders + names:
            path = os.path.join(place, name)
            if os.path.islink(path) or not (os.path.isdir(path) or os.path.isfile(path)):
                raise NotChecked(f"{path} is neither a file nor a folder")
            if os.path.isfile(path):
                size += os.path.getsize(path)
                if size > BYTES_MAX or len(files) >= FILES_MAX:
                    raise NotChecked(f"{folder} is more than a bundle can hold")
                with open(path, "rb") as file:
                    files[os.path.relpath(path, folder).replace(os.sep, "/")] = file.read()
    return files


def kept(path):
    """The checkpoint of a bundle, or a checkpoint."""
    with open(os.path.join(path, "journal/checkpoint") if os.path.isdir(path) else path, "rb") as file:
        return file.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    for name in ("--key", "--bundle-key", "--witness", "--previous", "--tsa-ca"):
        parser.add_argument(name)
    parser.add_argument("--allow-rehearsal", action="store_true")
    given = parser.parse_args()
    try:
        witness = Key(given.witness, 4) if given.witness else None
        previous = kept(given.previous) if given.previous else None
        roots = kept(given.tsa_ca) if given.tsa_ca else None
        bundle = Bundle(read(given.bundle), given.key, witness, previous, roots, given.bundle_key)
        done, broken, missing = verify(bundle)
    except (NotChecked, OSError, Fails, ValueError) as problem:
        print(f"could not be checked: {problem}")
        return 2
    for name, good, words in done:
        print(f"{'ok' if good else 'FAIL':<4} {name:<22} {words}")
    integrity = f"integrity BROKEN: {broken}" if broken else "integrity ok"
    complete = f"INCOMPLETE: {missing}" if missing else "complete ok"
    print(f"{integrity}, {complete}{' (rehearsal)' if bundle.rehearsal else ''}")
    if bundle.rehearsal and not given.allow_rehearsal:
        print("This is the bundle of a rehearsal: nothing in it really happened. --allow-rehearsal accepts it")
    return 1 if broken or missing or (bundle.rehearsal and not given.allow_rehearsal) else 0


if __name__ == "__main__":
    sys.exit(main())
