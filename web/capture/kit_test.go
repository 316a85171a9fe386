package capture_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"porthole/web/capture"
	"porthole/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got\n%s", name, got)
	}
}

// read reads a capture of testdata.
func read(t testing.TB, name string) []capture.Row {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := capture.ParseNDJSON(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return rows
}

// captures are those of testdata.
var captures = []string{"greeting", "merged", "several", "unix", "hostile", "gaps"}

func rows(events ...wire.Event) iter.Seq[capture.Row] {
	return func(yield func(capture.Row) bool) {
		for i := range events {
			if !yield(capture.Row{Event: &events[i]}) {
				return
			}
		}
	}
}

// full has something in every field.
func full() wire.Event {
	return wire.Event{
		Seq: 7, Start: 1_700_000_000_000_000_001, Return: 1_700_000_000_000_001_000, Kind: wire.Data, Side: wire.Server,
		Conn: 2, Local: "127.0.0.1:1234", Remote: "[::1]:5", From: 9, To: 12, Data: []byte("哇"),
		Code: "ECONNRESET", Syscall: "read", HadError: true, Host: "localhost",
		Kernel: wire.Kernel{State: 1, Unsent: 2, Unread: 3, RTT: 4, Cwnd: 5, Retransmits: 6}, Approx: true,
	}
}

// same tells whether two captures are, Seq included.
func same(t testing.TB, got, want []capture.Row) bool {
	t.Helper()
	return slices.EqualFunc(got, want, func(a, b capture.Row) bool {
		if a.Event == nil || b.Event == nil {
			return a == b
		}
		x, y := *a.Event, *b.Event
		data := bytes.Equal(x.Data, y.Data)
		x.Data, y.Data = nil, nil
		p, errP := json.Marshal(x)
		q, errQ := json.Marshal(y)
		return data && errP == nil && errQ == nil && bytes.Equal(p, q)
	})
}
