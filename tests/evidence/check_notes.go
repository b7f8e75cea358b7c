// Opens our notes with other people's code, and shows that it refuses changed ones.
//
// usage: main BUNDLE COSIGNED WITNESS-VKEY
package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var passed, failed int

func said(holds bool, name, detail string) {
	if holds {
		passed++
		fmt.Printf("ok    %s: %s\n", name, detail)
		return
	}
	failed++
	fmt.Printf("FAIL  %s: %s\n", name, detail)
}

func read(parts ...string) string {
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	return string(data)
}

func must(verifier note.Verifier, err error) note.Verifier {
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	return verifier
}

// Opens a note with all of these keys, and the same note with one letter of its text changed.
func both(name, text string, keys ...note.Verifier) *note.Note {
	opened, err := note.Open([]byte(text), note.VerifierList(keys...))
	if err != nil || len(opened.Sigs) != len(keys) {
		said(false, name, fmt.Sprint(err, " ", opened))
		return nil
	}
	said(true, name, fmt.Sprintf("%d signatures", len(opened.Sigs)))
	changed := []byte(text)
	changed[bytes.IndexByte(changed, '\n')-1] ^= 1
	_, err = note.Open(changed, note.VerifierList(keys...))
	said(err != nil, name+", changed", fmt.Sprint(err))
	return opened
}

func main() {
	bundle, cosigned, witnessKey := os.Args[1], read(os.Args[2]), os.Args[3]
	log := must(note.NewVerifier(strings.TrimSpace(read(bundle, "keys/log.vkey"))))
	seal := must(formats.NewVerifier(strings.TrimSpace(read(bundle, "keys/bundle.vkey"))))
	witness := must(formats.NewVerifierForCosignatureV1(witnessKey))

	opened := both("checkpoint, sumdb/note", read(bundle, "journal/checkpoint"), log)
	both("checkpoint of the org log, sumdb/note", read(bundle, "journal/org-checkpoint"), log)
	both("seal on P-256, transparency-dev/formats", read(bundle, "SHA256SUMS.note"), seal)
	both("cosignature/v1, transparency-dev/formats", cosigned, log, witness)

	if opened != nil {
		lines := strings.Split(opened.Text, "\n")
		entries := strings.Split(strings.TrimSuffix(read(bundle, "journal/site.jsonl"), "\n"), "\n")
		said(root(entries) == lines[2] && fmt.Sprint(len(entries)) == lines[1], "root of the log, sumdb/tlog", lines[2])
		said(root(entries[1:]) != lines[2], "root of another log, sumdb/tlog", "differs")
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}

// The root over these entries, by Go's own tree.
func root(entries []string) string {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(at))
		for place, one := range at {
			found[place] = stored[one]
		}
		return found, nil
	})
	for place, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(place), []byte(entry), reader)
		if err != nil {
			return err.Error()
		}
		stored = append(stored, hashes...)
	}
	hash, err := tlog.TreeHash(int64(len(entries)), reader)
	if err != nil {
		return err.Error()
	}
	return base64.StdEncoding.EncodeToString(hash[:])
}
