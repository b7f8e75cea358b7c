#!/bin/sh
# Instructions at two sizes, and how they grow: counts that do not depend on what else the machine does. For planning
# (`landfall check`: read, resolve, render, rules, graphs), and for the engines (a launch on a virtual clock, less what its
# plan takes to make). Usage: benches/callgrind.sh [LANDFALL [SMALL LARGE]]; FLEET=path of the `fleet` bench.
set -eu

landfall=${1:-target/release/landfall}
small=${2:-100}
large=${3:-200}
fleet=${FLEET:-}
most=2.05

if ! command -v valgrind > /dev/null 2>&1; then
    echo "valgrind is not installed, so instructions are not counted"
    exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

counted() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 > /dev/null |
        sed -n 's/^.*Collected : \([0-9]*\).*$/\1/p'
}

told() {
    awk -v what="$1" -v a="$2" -v b="$3" -v m="$small" -v n="$large" -v most="$most" 'BEGIN {
        times = b / a
        printf "%s: %.2f thousand million instructions at %d sites, %.2f at %d: %.3f times as many, exponent %.3f, %s\n",
            what, a / 1e9, m, b / 1e9, n, times, log(times) / log(n / m),
            times <= most * n / m / 2 ? "met" : "MISSED"
    }'
}

for sites in "$small" "$large"; do
    "$landfall" --quiet init --sites "$sites" "$folder/$sites"
done
told plan \
    "$(counted "$landfall" --quiet --root "$folder/$small" check)" \
    "$(counted "$landfall" --quiet --root "$folder/$large" check)"

if [ -z "$fleet" ]; then
    fleet=$(ls -t target/release/deps/fleet-* 2> /dev/null | grep -v '\.d$' | head -n 1 || true)
fi
if [ -z "$fleet" ]; then
    echo "engine: not counted, cargo bench --bench fleet --no-run builds what is missing"
    exit 0
fi
launched() {
    # The same program with the plan alone: what is left is the launch.
    echo $(($(counted "$fleet" "$1") - $(counted "$fleet" "$1" --plan)))
}
told engine "$(launched "$small")" "$(launched "$large")"
