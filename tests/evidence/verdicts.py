"""Asks a bundle's own verify_bundle.py about many versions of that bundle in one process.

usage: verdicts.py BUNDLE CASES

CASES is a file with a JSON object on each line: name, files to set (path to base64), files to remove, and what the reader
brings along (key, bundle_key, witness, previous as base64). Prints a JSON object for each: name, checks, broken, missing.
"""
import base64
import json
import sys

bundle, cases = sys.argv[1], sys.argv[2]
sys.dont_write_bytecode = True
sys.path.insert(0, bundle)
import verify_bundle  # noqa: E402  the script of the bundle itself
import verify_forms  # noqa: E402
import verify_log  # noqa: E402

# Most questions to OpenSSL and OpenSSH are the same in all cases, so each is asked once.
asked = {}


def once(ask):
    def answer(*question):
        if (ask, question) not in asked:
            asked[ask, question] = ask(*question)
        return asked[ask, question]

    return answer


verify_log.openssl_verifies = once(verify_log.openssl_verifies)
verify_bundle.ssh_keygen = once(verify_forms.ssh_keygen)

whole = verify_bundle.read(bundle)
with open(cases, encoding="utf-8") as file:
    for line in file:
        case = json.loads(line)
        files = {path: data for path, data in whole.items() if path not in case["remove"]}
        files.update((path, base64.b64decode(data)) for path, data in case["set"].items())
        witness = verify_forms.Key(case["witness"], 4) if case.get("witness") else None
        previous = base64.b64decode(case["previous"]) if case.get("previous") else None
        given = verify_bundle.Bundle(files, case.get("key"), witness, previous, bundle_key=case.get("bundle_key"))
        done, broken, missing = verify_bundle.verify(given)
        print(json.dumps({
            "name": case["name"], "broken": broken, "missing": missing,
            "checks": {name: {"ok": good, "detail": words} for name, good, words in done},
        }))
