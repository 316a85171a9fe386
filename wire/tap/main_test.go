package tap_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"porthole/wire"
	"porthole/wire/tap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for and should come at once.
const patience = 20 * time.Second

// pair is one connection, watched at both ends.
type pair struct {
	client, server       net.Conn
	clientLog, serverLog *tap.Log
	listener             net.Listener
}

// connect connects the two ends of a pair over "tcp" or "unix"; the test closes
// them if no one else does.
func connect(t *testing.T, network string) *pair {
	t.Helper()
	addr := "127.0.0.1:0"
	if network == "unix" {
		addr = filepath.Join(t.TempDir(), "s")
	}
	inner, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{clientLog: new(tap.Log), serverLog: new(tap.Log)}
	p.listener = tap.Listener(inner, p.serverLog.Add)
	start := tap.Now()
	c, err := net.Dial(network, inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p.client = tap.Client(c, 1, start, p.clientLog.Add)
	if p.server, err = p.listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

func (p *pair) close() {
	_ = p.client.Close()
	_ = p.server.Close()
	_ = p.listener.Close()
}

// all are the events of a log so far.
func all(log *tap.Log) []wire.Event {
	events := make([]wire.Event, log.Last())
	n, _ := log.Since(0, events)
	return events[:n]
}

// until waits for the first event of a kind, and gives it.
func until(t *testing.T, log *tap.Log, kind wire.Kind) wire.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var seq uint64
	for {
		buf := make([]wire.Event, 1)
		if n, _ := log.Since(seq, buf); n == 1 {
			if seq = buf[0].Seq; buf[0].Kind == kind {
				return buf[0]
			}
		} else if log.Wait(ctx, seq) != nil {
			t.Fatalf("no %v among %v", kind, brief(all(log)))
		}
	}
}

// brief renders events as tests compare them: "#1 data [0,9) 哇咔咔".
func brief(events []wire.Event) (lines []string) {
	for _, e := range events {
		line := e.Kind.String()
		if e.Conn != 0 {
			line = fmt.Sprintf("#%d %s", e.Conn, line)
		}
		if e.To > 0 {
			line += fmt.Sprintf(" [%d,%d) %s", e.From, e.To, tap.Text(e.Data))
		}
		if e.Code != "" {
			line += fmt.Sprintf(" %s %s", e.Code, e.Syscall)
		}
		if e.HadError {
			line += " after an error"
		}
		lines = append(lines, line)
	}
	return lines
}

func expect(t *testing.T, what string, log *tap.Log, want ...string) {
	t.Helper()
	if got := brief(all(log)); !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func write(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if n, err := c.Write([]byte(s)); n != len(s) || err != nil {
		t.Fatalf("write: %d, %v", n, err)
	}
}

// read reads once, at most n bytes.
func read(t *testing.T, c net.Conn, n int) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, n)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return string(buf[:n])
}

func closeWrite(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.(*tap.Conn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}
