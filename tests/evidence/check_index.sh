#!/bin/sh
# The index page of a bundle: its first printed page holds the five answers, in the PDF of the bundle and as a browser prints
# it, with the same numbers. Needs poppler-utils and chromium.
#
#   check_index.sh BUNDLE
set -eu

bundle=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A name of its own for each run keeps browsers apart that run at the same time.
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --user-data-dir="$work/profile" --no-pdf-header-footer \
    --print-to-pdf="$work/printed.pdf" "file://$(cd "$bundle" && pwd)/index.html" 2> "$work/browser.txt" ||
    { cat "$work/browser.txt" >&2; exit 1; }

# Runs of white space are one space: lines break elsewhere in each.
first_page() { pdftotext -l 1 "$1" - | tr -s '[:space:]' ' '; }
first_page "$bundle/index.pdf" > "$work/own.txt"
first_page "$work/printed.pdf" > "$work/browser.txt"

sentence=$(sed -n 's,^<p><strong>\(.* steps planned.*\)</strong></p>$,\1,p' "$bundle/index.html")
test -n "$sentence" || { echo "the page has no sentence of counts" >&2; exit 1; }
for form in own browser; do
    for words in "What ran" "What failed" "What is accepted, until when" "Who approved" "What is not proven" "$sentence"; do
        grep -qF -- "$words" "$work/$form.txt" ||
            { echo "the first page ($form) does not say: $words" >&2; cat "$work/$form.txt" >&2; exit 1; }
    done
done

pdfinfo "$bundle/index.pdf" > "$work/about.txt"
for line in "^Title: .*Evidence of site" "^Page size: .*A4" "^JavaScript: .*no" "^Encrypted: .*no"; do
    grep -q "$line" "$work/about.txt" || { echo "the PDF is not as it should be: $line" >&2; exit 1; }
done
if pdffonts "$bundle/index.pdf" | sed 1,2d | awk '$(NF-4) != "yes"' | grep .; then
    echo "a font is not embedded" >&2
    exit 1
fi
echo "index.pdf and the browser's print: $sentence"
