#!/bin/sh
# Checks a bundle with tools that know nothing of Landfall, and shows that each of them refuses a changed one.
#
# usage: check_stock_tools.sh BUNDLE [PYTHON]
#
# Needs coreutils, OpenSSH, OpenSSL 3 and Python 3; with PYTHON, an interpreter that has securesystemslib 1.6.0 and
# cryptography, for example of a virtual environment.
set -u
bundle=$1
python=${2:-}
passed=0
failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

good() { # name, command…
    name=$1
    shift
    if said=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok    $name: $(echo "$said" | tail -n 1)"
    else
        failed=$((failed + 1))
        echo "FAIL  $name: $said"
    fi
}

bad() { # name, command…
    name=$1
    shift
    if said=$("$@" 2>&1); then
        failed=$((failed + 1))
        echo "FAIL  $name was accepted: $said"
    else
        passed=$((passed + 1))
        echo "ok    $name is refused: $(echo "$said" | tail -n 1)"
    fi
}

sums() { (cd "$1" && sha256sum --strict --quiet -c SHA256SUMS && echo "every file as listed"); }

ssh_seal() { # folder, file, namespace
    principal=$(cut -d' ' -f1 "$1/keys/allowed_signers")
    ssh-keygen -Y verify -f "$1/keys/allowed_signers" -I "$principal" -n "$3" -s "$1/SHA256SUMS.sig" <"$1/$2"
}

# The payload and what is signed, from the envelope, with nothing but Python's own JSON and base64.
openssl_dsse() { # folder, envelope
    python3 - "$1/$2" "$scratch" <<'PY' || return 1
import base64, json, sys
envelope = json.load(open(sys.argv[1]))
payload = base64.b64decode(envelope["payload"])
kind = envelope["payloadType"].encode()
with open(sys.argv[2] + "/message", "wb") as file:
    file.write(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
with open(sys.argv[2] + "/signature", "wb") as file:
    file.write(base64.b64decode(envelope["signatures"][0]["sig"]))
PY
    openssl pkeyutl -verify -pubin -inkey "$1/keys/bundle.pub.pem" -rawin -in "$scratch/message" -sigfile "$scratch/signature"
}

securesystemslib_dsse() { # folder, envelope
    "$python" - "$1/$2" "$1/keys/bundle.pub.pem" <<'PY'
import json, sys
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
envelope = Envelope.from_dict(json.load(open(sys.argv[1])))
key = SSlibKey.from_crypto(load_pem_public_key(open(sys.argv[2], "rb").read()))
assert envelope.verify([key], 1)
statement = json.loads(envelope.payload)
assert statement["_type"] == "https://in-toto.io/Statement/v1", statement
print(statement["predicateType"], "by", key.keyid[:12])
PY
}

subject() { # folder: the bundle's statement is about this very list of files
    python3 - "$1" <<'PY'
import base64, hashlib, json, sys
payload = json.load(open(sys.argv[1] + "/attestations/bundle.dsse.json"))["payload"]
(subject,) = json.loads(base64.b64decode(payload))["subject"]
own = hashlib.sha256(open(sys.argv[1] + "/" + subject["name"], "rb").read()).hexdigest()
assert subject["digest"]["sha256"] == own, (subject, own)
print(subject["name"], own[:12])
PY
}

script() { # folder
    earlier=
    [ -e "$1/journal/previous-checkpoint" ] && earlier="journal/previous-checkpoint journal/consistency"
    # shellcheck disable=SC2086
    (cd "$1" && python3 -B verify_log.py journal/site.jsonl journal/checkpoint keys/log.vkey journal/leaves $earlier)
}

whole() { # folder: everything, by the second verifier
    (cd "$1" && python3 -B verify_bundle.py . --key "$(cat keys/log.vkey)" --allow-rehearsal)
}

good "sha256sum -c" sums "$bundle"
good "ssh-keygen -Y verify" ssh_seal "$bundle" SHA256SUMS site-evidence@landfall
good "subject of the bundle's statement" subject "$bundle"
for statement in $(cd "$bundle/attestations" && ls | sed 's/[.]dsse[.]json$//'); do
    good "openssl, $statement" openssl_dsse "$bundle" "attestations/$statement.dsse.json"
    if [ -n "$python" ]; then
        good "securesystemslib, $statement" securesystemslib_dsse "$bundle" "attestations/$statement.dsse.json"
    fi
done
good "verify_log.py" script "$bundle"
good "verify_bundle.py" whole "$bundle"

changed=$scratch/changed
cp -r "$bundle" "$changed"
echo " " >>"$changed/README.txt"
bad "sha256sum -c of a changed file" sums "$changed"
bad "verify_bundle.py of a changed file" whole "$changed"
echo "$(sha256sum <"$changed/README.txt" | cut -d' ' -f1)  README.txt" >>"$changed/SHA256SUMS"
bad "ssh-keygen -Y verify of another list" ssh_seal "$changed" SHA256SUMS site-evidence@landfall
bad "ssh-keygen -Y verify for another purpose" ssh_seal "$bundle" SHA256SUMS file
bad "the statement about another list" subject "$changed"
sed -i 's/"payload":"ey/"payload":"ez/' "$changed/attestations/bundle.dsse.json"
bad "openssl of a changed statement" openssl_dsse "$changed" attestations/bundle.dsse.json
if [ -n "$python" ]; then
    bad "securesystemslib of a changed statement" securesystemslib_dsse "$changed" attestations/bundle.dsse.json
fi
sed -i '3d' "$changed/journal/site.jsonl"
bad "verify_log.py of a log without its third entry" script "$changed"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
