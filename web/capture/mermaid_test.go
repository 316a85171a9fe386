package capture_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"porthole/web/capture"
	"porthole/wire"
)

func mermaid(rows []capture.Row) string {
	return string(capture.AppendMermaid(nil, slices.Values(rows)))
}

func TestMermaid(t *testing.T) {
	for _, name := range captures {
		golden(t, name+".mmd", []byte(mermaid(read(t, name))))
	}
}

func TestMermaidOfNothing(t *testing.T) {
	tests := []struct {
		name string
		rows []capture.Row
		want string
	}{
		{"empty", nil, "sequenceDiagram\n    participant sockets as sockets\n"},
		{"a gap", []capture.Row{{Lost: 2}}, "sequenceDiagram\n    participant sockets as sockets\n    Note over sockets: 2 events lost\n"},
	}
	for _, tt := range tests {
		if got := mermaid(tt.rows); got != tt.want {
			t.Errorf("%s: got\n%s", tt.name, got)
		}
	}
}

// The order in which events are told is not that in which they happened.
func TestMermaidIsInOrderOfTime(t *testing.T) {
	rows := read(t, "merged")
	want := mermaid(rows)
	slices.Reverse(rows)
	if got := mermaid(rows); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Clients of a Unix socket have one name: they are told apart by time.
func TestMermaidPairsClientsOfOneName(t *testing.T) {
	var events []wire.Event
	for i := range uint64(3) {
		at := int64(i) * 1000
		for _, e := range []wire.Event{
			{Kind: wire.Connect, Side: wire.Client}, {Kind: wire.Connection, Side: wire.Server},
			{Kind: wire.Close, Side: wire.Client}, {Kind: wire.Close, Side: wire.Server},
		} {
			at += 10
			e.Start, e.Return, e.Conn = at, at, i+1
			if e.Local, e.Remote = "@", "/s"; e.Side == wire.Server {
				e.Local, e.Remote = "/s", "@"
			}
			if i == 1 && e.Side == wire.Server {
				continue // the second server was not seen
			}
			events = append(events, e)
		}
	}
	got := mermaid(slices.Collect(rows(events...)))
	for _, want := range []string{"c1-)s1", "s2 as server 2<br/>/s<br/>not seen", "c3-)s3"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestMermaidIsBounded(t *testing.T) {
	several := read(t, "several")
	var rows []capture.Row
	for range 100 {
		rows = append(rows, several...)
	}
	got := mermaid(rows)
	if len(got) > capture.MaxMermaid || len(got) < capture.MaxMermaid*9/10 {
		t.Errorf("%d bytes, want at most %d and not much less", len(got), capture.MaxMermaid)
	}
	if !regexp.MustCompile(`\n    Note over \w+: \d+ rows left out\n$`).MatchString(got) {
		t.Errorf("it ends in %q", got[len(got)-100:])
	}
}

// statement is all that a line of a diagram may be: a text in it is letters,
// digits, harmless marks, what is not ASCII, and entity codes.
var statement = regexp.MustCompile(`^    (participant \w+ as |Note over \w+: |\w+(-\)|-x|->>|-->>|--\)|--x)\w+: )` +
	`((<br/>)?([0-9A-Za-z .,/+()-]|[^\x00-\x7f\x{80}-\x{9f}ﬂ¶\x{202a}-\x{202e}\x{2066}-\x{2069}\x{2028}\x{2029}]|#\d+;))*$`)

func FuzzMermaid(f *testing.F) {
	for _, r := range read(f, "hostile") {
		f.Add(r.Event.Data, r.Event.Local+r.Event.Host, r.Event.From)
	}
	f.Fuzz(func(t *testing.T, data []byte, text string, from uint64) {
		e := wire.Event{
			Start: 5, Return: 9, Kind: wire.CallWrite, Side: wire.Client, Conn: 1, Local: text, Remote: "[::1]:1",
			From: from, To: from + uint64(len(data)), Data: data,
		}
		read := e
		read.Kind, read.Side, read.Local, read.Remote = wire.Data, wire.Server, e.Remote, e.Local
		read.To -= uint64(len(data) / 2)
		failed := wire.Event{Kind: wire.Error, Side: wire.Server, Local: text, Code: text, Syscall: text, Host: text}
		got := capture.AppendMermaid(nil, rows(e, read, failed))
		lines := bytes.Split(bytes.TrimSuffix(got, []byte("\n")), []byte("\n"))
		for _, line := range lines[1:] {
			if !statement.Match(line) {
				t.Errorf("%q is no statement of ours", line)
			}
		}
		if n := len(lines); text != "" && n != 6 && n != 7 { // without an address the ends have no pair
			t.Errorf("%d lines:\n%s", n, got)
		}
	})
}
