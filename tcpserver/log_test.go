package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"porthole/wire"
	"porthole/wire/tap"
)

// logged is what follow makes of events, without the times.
func logged(t *testing.T, format string, log *tap.Log) []string {
	t.Helper()
	var out bytes.Buffer
	ended, cancel := context.WithCancel(t.Context())
	cancel() // it logs what is there
	follow(ended, log, newLogger(&out, format))
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if format == "text" {
		for i := range lines {
			lines[i] = lines[i][len("15:04:05.000 "):]
		}
	}
	return lines
}

func TestTextLog(t *testing.T) {
	long := strings.Repeat("x", wire.MaxCopy)
	tests := []struct {
		name  string
		event wire.Event
		want  string
	}{
		{"listening", wire.Event{Kind: wire.Listening, Local: "[::]:1234"}, "listening   [::]:1234"},
		{"connection", wire.Event{Kind: wire.Connection, Conn: 1, Remote: "[::1]:5"}, "connection  #1   from=[::1]:5"},
		{"large number", wire.Event{Kind: wire.Connection, Conn: 12345, Remote: "[::1]:5"}, "connection  #12345 from=[::1]:5"},
		{"data", wire.Event{Kind: wire.Data, Conn: 12, From: 3, To: 12, Data: []byte("哇咔咔")}, "data        #12      9 bytes  哇咔咔"},
		{"line break", wire.Event{Kind: wire.Data, Conn: 1, To: 3, Data: []byte("a\nb")}, `data        #1       3 bytes  a\nb`},
		{"more than is copied", wire.Event{Kind: wire.Data, Conn: 1, To: 32768, Data: []byte(long)}, "data        #1   32768 bytes  " + long + "…"},
		{"write", wire.Event{Kind: wire.CallWrite, Conn: 1, To: 1, Data: []byte("x")}, "write()     #1       1 bytes  x"},
		{"end", wire.Event{Kind: wire.End, Conn: 1}, "end         #1"},
		{"error", wire.Event{Kind: wire.Error, Conn: 1, Code: "EPIPE", Syscall: "write"}, "error       #1   code=EPIPE syscall=write"},
		{"accept error", wire.Event{Kind: wire.Error, Code: "EMFILE", Syscall: "accept"}, "error       code=EMFILE syscall=accept"},
		{"close after error", wire.Event{Kind: wire.Close, Conn: 1, HadError: true}, "close       #1   after an error"},
		{"close", wire.Event{Kind: wire.Close}, "close"},
	}
	for _, tt := range tests {
		var log tap.Log
		log.Add(tt.event)
		if got := logged(t, "text", &log); len(got) != 1 || got[0] != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestJSONLogHasEverything(t *testing.T) {
	var log tap.Log
	log.Add(wire.Event{
		Start: 5, Return: 7, Kind: wire.Data, Side: wire.Server, Conn: 2, Local: "l", Remote: "r", From: 3, To: 6, Data: []byte("哇"),
		Kernel: wire.Kernel{State: 1, Unsent: 1, Unread: 2, RTT: 3, Cwnd: 4, Retransmits: 5},
	})
	const want = `"level":"INFO","msg":"data","seq":1,"start":5,"return":7,"side":"server","conn":2,"local":"l","remote":"r",` +
		`"from":3,"to":6,"bytes":3,"text":"哇","kernel":{"state":"ESTABLISHED","unsent":1,"unread":2,"rtt":3,"cwnd":4,"retransmits":5}}`
	got := logged(t, "json", &log)
	if _, fields, _ := strings.Cut(got[0], ","); len(got) != 1 || fields != want {
		t.Errorf("got  %q\nwant …%s", got, want)
	}
	if !json.Valid([]byte(got[0])) {
		t.Errorf("no JSON: %s", got[0])
	}
}

func TestLogTellsWhatItLost(t *testing.T) {
	log := &tap.Log{History: 2}
	for range 100 {
		log.Add(wire.Event{Kind: wire.Listening})
	}
	if got := logged(t, "text", log); len(got) != 3 || got[0] != "lost        events=98" {
		t.Errorf("got %q", got)
	}
}

func TestLogIsRead64AtATime(t *testing.T) {
	var log tap.Log
	for range 200 {
		log.Add(wire.Event{Kind: wire.Listening})
	}
	if got := logged(t, "text", &log); len(got) != 200 {
		t.Errorf("%d lines, want 200", len(got))
	}
}

func TestTextHandlerIsASlogHandler(t *testing.T) {
	var out bytes.Buffer
	logger := newLogger(&out, "text").With("a", 1).WithGroup("group")
	logger.Debug("unseen")
	logger.With("b", 2).Warn("message", slog.Any("error", errors.New("broken")), "try", "again")
	if got, want := out.String()[13:], "message     a=1 b=2 broken\n"+strings.Repeat(" ", 25)+"try again\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
