"""What others said, as far as it stands in a bundle: time stamps of other clocks.

A part of verify_bundle.py. Needs OpenSSL 3.
"""
import os
import re
import subprocess
import tempfile
from datetime import datetime, timezone

from verify_forms import NotChecked, Unseen, demand

STAMPS = [("the log", "journal/checkpoint"), ("the org log", "journal/org-checkpoint")]


def stamps(files, roots):
    """Whether each time stamp is over its checkpoint, and leads to these roots or to those that the bundle brings."""
    told = []
    if roots and "journal/checkpoint.tsr" not in files:
        raise Unseen("no time stamp: journal/checkpoint.tsr is not there")
    for log, path in STAMPS:
        reply = files.get(path + ".tsr")
        if reply is not None:
            told.append(f"{log} {stamped(path, reply, files[path], files.get('keys/tsa-chain.pem', b''), roots)}")
    return "; ".join(told) or "no time stamp: only the signer's own clock says when"


def stamped(path, reply, note, chain, roots):
    with tempfile.TemporaryDirectory() as folder:
        at = {}
        for name, data in (("reply", reply), ("note", note), ("chain", chain), ("roots", roots or chain)):
            at[name] = os.path.join(folder, name)
            with open(at[name], "wb") as file:
                file.write(data)
        text = openssl("ts", "-reply", "-in", at["reply"], "-text")[1]
        when = re.search(r"^Time stamp: (.*) GMT$", text, re.M)
        demand(when, f"{path}.tsr holds no time")
        moment = datetime.strptime(re.sub(r"\.\d+", "", when[1]), "%b %d %H:%M:%S %Y").replace(tzinfo=timezone.utc)
        good, words = openssl("ts", "-verify", "-data", at["note"], "-in", at["reply"], "-CAfile", at["roots"],
                              "-untrusted", at["chain"], "-attime", str(int(moment.timestamp())))
        demand(good, f"{path}.tsr: {words.strip().splitlines()[-1] if words.strip() else 'it does not verify'}")
        return f"at {moment.isoformat()}"


def openssl(*words):
    try:
        done = subprocess.run(["openssl", *words], capture_output=True, check=False, timeout=60)
    except FileNotFoundError as problem:
        raise NotChecked("openssl is not installed") from problem
    return done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
