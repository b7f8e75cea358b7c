#!/bin/sh
# Our checkpoints and cosignatures, read by independent implementations: golang.org/x/mod/sumdb/note (the notes of Go's checksum
# database) and github.com/transparency-dev/formats (cosignature/v1, and ECDSA on P-256). Needs Go 1.25 or newer and its module
# proxy; where there is no Go, it says so and ends well.
#
# usage: check_notes.sh LANDFALL
#
# Launches the pilot of the estate in the working directory against the embedded sandbox, under a P-256 bundle key.
set -eu
landfall=$1
command -v go >/dev/null || { echo "skipped: there is no Go"; exit 0; }
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
umask 077

LANDFALL_STATE=$scratch/state
export LANDFALL_STATE
mkdir -p "$LANDFALL_STATE/keys"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$LANDFALL_STATE/keys/bundle.pem" 2>/dev/null
"$landfall" plan --wave pilot --out "$scratch/p.plan" >/dev/null 2>&1
"$landfall" apply "$scratch/p.plan" --progress none >/dev/null 2>&1
"$landfall" evidence export --site HRB01 --out "$scratch/bundle" >/dev/null 2>&1
"$landfall" checkpoint >/dev/null 2>&1 || true
"$landfall" witness init --dir "$scratch/witness" --name witness.example/w1 --key "$(cat "$scratch/bundle/keys/log.vkey")" >"$scratch/witness.vkey"
"$landfall" witness cosign --dir "$scratch/witness" --from "$LANDFALL_STATE/checkpoints" --out "$scratch/cosigned" >/dev/null

mkdir "$scratch/go"
cp "$here/check_notes.go" "$scratch/go/main.go"
cd "$scratch/go"
cat >go.mod <<'MOD'
module check

go 1.25.0
MOD
go get golang.org/x/mod/sumdb/note@v0.36.0 github.com/transparency-dev/formats/note@v0.1.1 2>/dev/null
newest() { find "$1" -name "*.$2" | sort | tail -n 1; }
go run . "$scratch/bundle" "$(newest "$scratch/cosigned/site/HRB01" cosigned)" "$(grep -o 'witness.example/w1+[^ ]*' "$scratch/witness.vkey" | head -n 1)"
