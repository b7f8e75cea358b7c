#!/bin/sh
# Anchors outside the operator's reach, with software that knows nothing of Landfall: `openssl ts` as the time-stamp
# service and as the verifier, git as a place to publish to, and keys that take over from each other.
#
# usage: check_anchors.sh LANDFALL FOLDER    where FOLDER has `sites` and `templates`
#
# Needs Python 3, OpenSSL 3 and git. Everything listens on loopback, on free ports.
set -u
landfall=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
cp -r "$2/sites" "$2/templates" "$scratch"
cd "$scratch" || exit 1
passed=0
failed=0
servers=""
cleanup() {
    for server in $servers; do kill "$server" 2>/dev/null; done
    rm -rf "$scratch"
}
trap cleanup EXIT

good() { # name, words that must be said, command…
    name=$1 words=$2
    shift 2
    if said=$("$@" 2>&1) && echo "$said" | grep -qe "$words"; then
        passed=$((passed + 1))
        echo "ok    $name"
    else
        failed=$((failed + 1))
        echo "FAIL  $name: $said"
    fi
}

bad() { # name, words that must be said, command…
    name=$1 words=$2
    shift 2
    if said=$("$@" 2>&1); then
        failed=$((failed + 1))
        echo "FAIL  $name was accepted: $said"
    elif echo "$said" | grep -qe "$words"; then
        passed=$((passed + 1))
        echo "ok    $name is refused"
    else
        failed=$((failed + 1))
        echo "FAIL  $name is refused for another reason than \"$words\": $said"
    fi
}

for kind in rsa ec; do sh "$here/tsa.sh" "$scratch/$kind" "$kind" 2>/dev/null; done
sh "$here/tsa.sh" "$scratch/old" rsa 20200101000000Z 20200201000000Z 2>/dev/null
python3 "$here/tsa_server.py" "$scratch/rsa" "$scratch/ec" "$scratch/old" > port &
servers="$servers $!"
cat > lock <<'PY'
#!/usr/bin/env python3
import sys
sys.stdin.read()
print('{"mode": "COMPLIANCE", "until": "2099-01-01T00:00:00Z"}')
PY
chmod +x lock
git init --quiet kept
while [ ! -s port ]; do sleep 0.1; done
port=$(cat port)
cp sites/estate.toml estate.toml
estate() { # path of the service, file of its authority, further places to publish to
    cp estate.toml sites/estate.toml
    cat >> sites/estate.toml <<TOML

[evidence]
publish = [{ directory = "published" }, { git = "kept" }, { lock = ["./lock"] }${3:-}]
timestamp = [{ url = "http://127.0.0.1:$port/$1", ca = "$2" }]
TOML
}
run() { "$landfall" "$@"; }
export_to() { run evidence export --site HRB01 --out "$1"; }

estate rsa rsa/ca.pem
run plan --wave pilot --out first.plan > /dev/null && run apply first.plan --progress none > /dev/null || exit 1

good "an export with time stamps" "" export_to one
key=$(cat one/keys/log.vkey)
verify() { bundle=$1; shift; run evidence verify "$bundle" --key "$key" "$@"; }
for log in checkpoint org-checkpoint; do
    good "openssl on $log" "Verification: OK" openssl ts -verify -data "one/journal/$log" -in "one/journal/$log.tsr" -CAfile rsa/ca.pem
done
good "the same verdict here" "checked against your own root" verify one --tsa-ca rsa/ca.pem
good "without a root of one's own" "not checked against your own root" verify one
bad "another root, openssl" "Verification: FAILED" openssl ts -verify -data one/journal/checkpoint -in one/journal/checkpoint.tsr -CAfile ec/ca.pem
bad "another root" "certificate: it does not lead to a root" verify one --tsa-ca ec/ca.pem
spoilt() { # name of the copy, command on its token
    cp -r one "$1" && (cd "$1/journal" && eval "$2")
}
spoilt swapped "cp org-checkpoint.tsr checkpoint.tsr"
bad "a token over another checkpoint" "imprint: it is over something else" verify swapped --tsa-ca rsa/ca.pem
bad "the same, openssl" "Verification: FAILED" openssl ts -verify -data swapped/journal/checkpoint -in swapped/journal/checkpoint.tsr -CAfile rsa/ca.pem
spoilt cut "head -c 1000 checkpoint.tsr > x && mv x checkpoint.tsr"
bad "a cut token" "form: it is not a whole reply" verify cut --tsa-ca rsa/ca.pem
spoilt garbage "head -c 1000000 /dev/zero > checkpoint.tsr"
bad "a megabyte of nothing" "it is too long" verify garbage --tsa-ca rsa/ca.pem
spoilt gone "rm checkpoint.tsr"
bad "a token that was taken away" "no time stamp" verify gone --tsa-ca rsa/ca.pem

estate ec ec/ca.pem
good "an export stamped with an elliptic curve" "" export_to two
good "which holds" "checked against your own root" verify two --tsa-ca ec/ca.pem
good "openssl on it" "Verification: OK" openssl ts -verify -data two/journal/org-checkpoint -in two/journal/org-checkpoint.tsr -CAfile ec/ca.pem
# What cannot be had is told, and the export goes on without it. Each time the org log has grown, so its token is new.
told() { # name, words, service, authority
    estate "$3" "$4"
    rm -rf .landfall/timestamps told
    good "$1 is told" "no time stamp.*$2" export_to told
}
told "a service with an ended certificate" "time: at" old old/ca.pem
told "a cut reply" "form: it is not a whole reply" rsa/cut rsa/ca.pem
told "a megabyte" "more than" rsa/garbage rsa/ca.pem
estate rsa/replay rsa/ca.pem
rm -rf .landfall/timestamps
good "a reply to the first of two requests is told for the second" "imprint: it is over something else" export_to replayed
told "a reply to an earlier request" "nonce: it answers another request" rsa/replay rsa/ca.pem
told "the wrong authority" "certificate: it does not lead" rsa ec/ca.pem
told "no authority" "No such file" rsa missing.pem
real=$port
port=1
told "a service that is down" "no connection could be made" rsa rsa/ca.pem
port=$real
good "the bundle without a time stamp" "no time stamp: only the signer" verify told

good "every checkpoint is a commit" "Checkpoint of site/HRB01 at" git -C kept log --format=%s
good "locks are recorded" "checkpoint.locked" run log org
estate rsa rsa/ca.pem
good "a sign of life" "checkpoints made" run checkpoint
good "whose stamp is published" "tsr" ls published/org

# A witness over HTTP, asked by a hook.
run witness init --dir witness --name witness.example/1 --key "$key" > witness.vkey
"$landfall" witness serve --dir witness > witness.url &
servers="$servers $!"
while [ ! -s witness.url ]; do sleep 0.1; done
estate rsa rsa/ca.pem ", { witness = \"$(cat witness.url)\" }"
good "checkpoints cosigned over HTTP" "checkpoints made" run checkpoint
good "an export with them" "" export_to witnessed
good "which holds" "cosigned by witness.example/1" verify witnessed --witness "$(cat witness.vkey)"
estate rsa rsa/ca.pem

# Keys take over. A witness that reads the folder follows.
run witness init --dir folder-witness --name witness.example/2 --key "$key" > /dev/null
run witness cosign --dir folder-witness --from published --out cosigned > /dev/null
good "a new log key takes over" "in use" run keys rotate --log
good "and a new bundle key" "in use" run keys rotate --bundle
good "both are listed" "log     retired" run keys list
good "an export under them" "" export_to rotated
good "who trusts the old key alone" "took over from" verify rotated --previous one --tsa-ca rsa/ca.pem
new=$(cat rotated/keys/log.vkey)
good "who trusts the new key" "retired key" run evidence verify rotated --key "$new" --previous one
good "an old bundle, by the old key" "every\|ok" verify one
bad "an old bundle, by the new key alone" "the key that you trust is" run evidence verify one --key "$new"
good "the witness follows" "followed  the log key" run witness cosign --dir folder-witness --from published --out cosigned
mv .landfall/keys/log.pem .landfall/keys/aside.pem
bad "a new key that no entry names" "handover" export_to stranger
mv .landfall/keys/aside.pem .landfall/keys/log.pem

echo "$passed passed, $failed failed"
test "$failed" = 0
