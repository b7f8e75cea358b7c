#!/usr/bin/env python3
"""Checks the OSCAL files of bundles with compliance-trestle, an independent reader.

    python3 tests/oscal/check_oscal.py FOLDER...

A folder is a bundle, or one that holds OSCAL files. For each file: import (which refuses an invalid one) and validate; of a
bundle also verify: the signature that trestle finds in the attestation beside it, which it must refuse for a changed file.
The reader is installed into an environment of its own, at one version, kept in --environment for the next time.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import venv

VERSION = "5.2.0"
TIMEOUT_SECONDS = 300


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    return done.returncode, (done.stdout + done.stderr).strip()


def reader(environment):
    """The trestle command, installed if it is not there at this version."""
    command = environment / "bin" / "trestle"
    if command.exists() and VERSION in run([command, "version"], environment)[1]:
        return command
    venv.create(environment, with_pip=True, clear=True)
    code, said = run([environment / "bin" / "pip", "install", "--quiet", f"compliance-trestle=={VERSION}"], environment)
    if code != 0:
        sys.exit(f"compliance-trestle {VERSION} cannot be installed:\n{said}")
    return command


def signature_steps(trestle, bundle, file, workspace, scratch):
    """Whether trestle takes the file's attestation, also when the file is spelled otherwise, and refuses a changed file."""
    envelope = (bundle / "attestations" / f"oscal-{file.stem}.dsse.json").resolve()
    key = (bundle / "keys" / "bundle.pub.pem").resolve()
    document = json.loads(file.read_bytes())

    def verify(folder, content):
        copy = scratch / folder / file.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(content, encoding="utf-8")
        command = [trestle, "verify", "--beta", "--file", copy, "--signature", envelope, "--public-key", key]
        return run(command, workspace)

    code, said = verify("signed", file.read_text(encoding="utf-8"))
    yield "verify", code == 0, said
    code, said = verify("respelled", json.dumps(document, indent=2))
    yield "respelled", code == 0, said
    next(iter(document.values()))["metadata"]["title"] += "."
    code, said = verify("changed", json.dumps(document))
    yield "refused", code != 0, said


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--environment", type=pathlib.Path, help="where the reader is kept [default: a throwaway folder]")
    args = parser.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        trestle = reader((args.environment or scratch / "environment").resolve())
        print(run([trestle, "version"], scratch)[1])
        for number, folder in enumerate(args.folders):
            workspace = scratch / f"workspace-{number}"
            workspace.mkdir()
            code, said = run([trestle, "init", "--local"], workspace)
            if code != 0:
                sys.exit(f"no workspace can be made:\n{said}")
            within = folder / "oscal" if (folder / "oscal").is_dir() else folder
            files = sorted(within.glob("*.json"))
            if not files:
                print(f"FAIL  {folder}: it holds no OSCAL file")
                failed += 1
            for file in files:
                model = next(iter(json.loads(file.read_bytes())))
                name = file.stem.replace(".", "-")
                steps = [
                    ["import", "-f", str(file.resolve()), "-o", name],
                    ["validate", "-t", model, "-n", name],
                ]
                done = []
                for step in steps:
                    code, said = run([trestle, *step], workspace)
                    done.append((step[0], code == 0, said))
                if (folder / "attestations").is_dir():
                    done += signature_steps(trestle, folder, file, workspace, scratch)
                for step, good, said in done:
                    if good:
                        passed += 1
                        print(f"ok    {step:<9} {model:<30} {file.name}")
                    else:
                        failed += 1
                        print(f"FAIL  {step:<9} {model:<30} {file.name}\n{said}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
