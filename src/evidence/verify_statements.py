"""The statements that a bundle's files ask for, made again from those files to be compared with the signed ones.

A part of verify_bundle.py. Needs Python's standard library only.
"""
import json
import re
from datetime import datetime

from verify_forms import canonical, demand, digest

STATEMENT, TEST = "https://in-toto.io/Statement/v1", "https://in-toto.io/attestation/test-result/v0.1"
SCANNED_SINCE = 2
CHALLENGE_SECONDS = 600


def answered(entries, decisions):
    """Whether each electronic record is whole, and answers a challenge of its own that the log gave to its signer."""
    given, used = {}, set()
    for entry in entries:
        if entry["kind"] == "approval.challenged":
            given.setdefault(entry["body"]["nonce"], entry)
        told = decisions.get(entry["seq"], {}).get("statement", {})
        said = told.get("electronic")
        if said is None:
            continue
        where = f"entry {entry['seq']}: the electronic record"
        form = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?([+-]\d\d:\d\d)\[[^\[\]]+\]", said["time"])
        own = form and moment("".join(form.groups())) == moment(told["at"]).replace(microsecond=0)
        demand(own, f"{where} lacks its own moment with a zone")
        demand(said["name"].strip() and told.get("comment", "").strip(), f"{where} lacks a printed name or a reason")
        challenge = given.get(said["challenge"], {"body": {}})
        about = (challenge["body"].get("person"), challenge["body"].get("subject"))
        own = (told["person"], digest(canonical(told["subject"]).encode()))
        demand(about == own, f"{where} answers no challenge that was given to its signer for this")
        age = moment(entry["at"]) - moment(challenge["at"])
        demand(0 <= age.total_seconds() <= CHALLENGE_SECONDS, f"{where} answers a challenge that was too old")
        demand(said["challenge"] not in used, f"{where} answers a challenge that was answered before")
        used.add(said["challenge"])


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def statement(kind, subjects, predicate):
    return {"_type": STATEMENT, "subject": subjects, "predicateType": kind, "predicate": predicate}


def named(name, value):
    return {"name": name, "digest": {"sha256": value}}


def tested(subject, passed, warned, failed):
    result = "FAILED" if failed else "WARNED" if warned else "PASSED"
    told = {"result": result, "configuration": [subject], "passedTests": passed, "warnedTests": warned, "failedTests": failed}
    return statement(TEST, [subject], told)


def about_bundle(bundle):
    told, steps, previous = bundle.manifest, bundle.manifest["steps"], bundle.manifest.get("previous")
    log, org = told["log"], told["org"]
    counts = {"stepsPlanned": "planned", "stepsRun": "run", "stepsSucceeded": "succeeded", "stepsFailed": "failed",
              "stepsBlocked": "blocked", "stepsWithoutOutcome": "open"}
    return statement("urn:landfall:attestation:site-evidence:v1", [named("SHA256SUMS", digest(bundle.file("SHA256SUMS")))], {
        "site": told["site"], "wave": told.get("wave"), "runs": told["runs"], "rehearsal": told["rehearsal"],
        "journal": {"origin": bundle.head(), "size": log["size"], "rootHash": log["root"]},
        "org": {"origin": f"{told['origin']}/org", "size": org["size"], "rootHash": org["root"], "headsIndex": org["heads_index"]},
        "previousBundle": previous and {
            "journalSize": previous["size"], "rootHash": previous["root"], "sha256": previous.get("sums")},
        "plan": {"sha256": told["plan"]}, "counts": {name: steps[of] for name, of in counts.items()},
        "tool": told["tool"], "exportedAt": told["exported_at"], "exportedBy": told["exported_by"]})


def statements(bundle):
    """Every other statement that these files ask for."""
    top, part, files = bundle.plan["head"], bundle.plan["part"], sorted(bundle.files.items())
    made = [named(path, digest(data)) for path, data in files if path == "plan.json" or path.startswith("rendered/")]
    rests = [{"name": f"templates/{name}", "digest": {"sha256": lock["digest"]}, "annotations": {"version": lock["version"]}}
             for name, lock in sorted(top["packs"].items())]
    rests += [named(path, one) for path, one in sorted(top["inputs"].items()) if not path.startswith("templates/")]
    rests += [named(path, one) for path, one in sorted(part["inputs"].items())]
    about = {"estate": top["estate"], "lineage": top["lineage"], "site": bundle.manifest["site"], "target": top["target"]["name"]}
    all_of = {"attestations/provenance.dsse.json": statement("https://slsa.dev/provenance/v1", made, {
        "buildDefinition": {"buildType": "urn:landfall:build:render:v1", "externalParameters": about,
                            "resolvedDependencies": rests},
        "runDetails": {"builder": {"id": "urn:landfall:builder", "version": {"landfall": top["tool"]}},
                       "metadata": {"invocationId": bundle.plan["digest"], "startedOn": bundle.plan["made_at"]}}})}
    found = bundle.outcomes()
    checks = sorted(step for step, one in part["plan"]["steps"].items() if "check" in one["work"])
    ends = {"succeeded": [], "failed": [], "blocked": []}
    for step in checks:
        ends[found.get(step, "blocked")].append(step)
    plan = named("plan.json", digest(bundle.file("plan.json")))
    all_of["attestations/checks.dsse.json"] = tested(plan, ends["succeeded"], ends["blocked"], ends["failed"])
    if bundle.manifest["v"] >= SCANNED_SINCE:
        record = bundle.file("scan.json")
        scan = named("scan.json", digest(record))
        all_of["attestations/scan.dsse.json"] = tested(scan, sorted(json.loads(record)["patterns"]), [], [])
        signing = {"canonicalization": "RFC8785", "digestAlgorithm": "sha256", "digestSource": "canonical-json",
                   "tool": bundle.manifest["tool"]}
        for path, data in files:
            name = re.fullmatch(r"oscal/([^/]*)\.json", path)
            if name:
                kind = "https://oscal-compass.github.io/compliance-trestle/predicates/oscal-signing/v1"
                subject = named(f"{name[1]}.json", digest(data))
                all_of[f"attestations/oscal-{name[1]}.dsse.json"] = statement(kind, [subject], signing)
        open_gates = gates(bundle)
        if open_gates:
            all_of["attestations/gates.dsse.json"] = open_gates
    return all_of


def gates(bundle):
    """The gates that stand open and are signed for, as a Simple Verification Result."""
    last, approved = {}, set()
    for entry in bundle.log_entries:
        if entry["kind"] in ("gate.opened", "gate.shut"):
            last[entry["body"]["gate"]] = entry
    for _, body in bundle.decisions():
        about = body["statement"]["subject"]
        if "approve" in body["statement"]["act"] and about["kind"] == "gate":
            approved.add((about["name"], about["digest"]))
    now = bundle.manifest["exported_at"]
    standing = {gate: one for gate, one in sorted(last.items())
                if one["kind"] == "gate.opened" and (one["body"].get("until") or "9") > now
                and (gate, one["body"]["digest"]) in approved}
    if not standing:
        return None
    properties = [f"LANDFALL_GATE_OPEN_{gate.upper()}" for gate in standing]
    properties += ["ROLLOUT_GO_LIVE_APPROVED"] if "g-09" in standing else []
    declared = sorted(path for path in bundle.files if re.fullmatch(r"rendered/.*/gates\.toml", path))
    policies = [named(path, digest(bundle.files[path])) for path in declared]
    subjects = [named(path, digest(bundle.files[path])) for path in ("plan.json", "journal/site.jsonl")]
    return statement("https://in-toto.io/attestation/svr/v0.2", subjects, {
        "verifier": {"id": "urn:landfall:verifier:gates:v1", "policies": policies},
        "timeCreated": max(one["at"] for one in standing.values()), "properties": properties,
        "gates": {gate: one["body"]["digest"] for gate, one in standing.items()}})
