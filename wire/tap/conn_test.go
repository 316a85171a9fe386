package tap_test

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"porthole/wire"
	"porthole/wire/tap"
)

var networks = []string{"tcp", "unix"}

func TestConnIsANetConn(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				p := connect(t, network)
				return p.client, p.server, p.close, nil
			})
		})
	}
}

func TestConversation(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			p := connect(t, network)
			write(t, p.client, "哇咔咔")
			write(t, p.server, "你好"+read(t, p.server, 100))
			if got := read(t, p.client, 100); got != "你好哇咔咔" {
				t.Errorf("read %q", got)
			}
			write(t, p.client, "x")
			closeWrite(t, p.client)
			write(t, p.server, "你好"+read(t, p.server, 100))
			ends(t, p.server)
			closeWrite(t, p.server)
			_ = p.server.Close()
			if rest, err := io.ReadAll(p.client); string(rest) != "你好x" || err != nil {
				t.Errorf("read %q, %v", rest, err)
			}
			_ = p.client.Close()
			_ = p.listener.Close()
			expect(t, "client", p.clientLog,
				"#1 connect", "#1 write() [0,9) 哇咔咔", "#1 data [0,15) 你好哇咔咔", "#1 write() [9,10) x",
				"#1 end()", "#1 data [15,22) 你好x", "#1 end", "#1 close")
			expect(t, "server", p.serverLog,
				"listening", "#1 connection", "#1 data [0,9) 哇咔咔", "#1 write() [0,15) 你好哇咔咔", "#1 data [9,10) x",
				"#1 write() [15,22) 你好x", "#1 end", "#1 end()", "#1 close", "close()", "close")
			matched(t, all(p.clientLog), all(p.serverLog))
		})
	}
}

// ends reads the end.
func ends(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read %d, %v; want the end", n, err)
	}
}

// matched checks what all events of a connection have in common, and that the
// two ends can be laid side by side.
func matched(t *testing.T, client, server []wire.Event) {
	t.Helper()
	c, s := client[0], server[1] // connect, connection
	if c.Local != s.Remote || c.Remote != s.Local || c.Remote == "" {
		t.Errorf("client is %s → %s, server %s → %s", c.Local, c.Remote, s.Local, s.Remote)
	}
	sent := make(map[[2]uint64]int64) // when the client wrote the range
	for _, events := range [][]wire.Event{client, server} {
		first, last := events[0], int64(0)
		for i, e := range events {
			if e.Seq != uint64(i+1) || e.Side != first.Side || e.Local != first.Local {
				t.Errorf("event %d: seq %d, %v at %s; want %v at %s", i, e.Seq, e.Side, e.Local, first.Side, first.Local)
			}
			if e.Start > e.Return || e.Return < last {
				t.Errorf("event %d: [%d,%d] after %d", i, e.Start, e.Return, last)
			}
			last = e.Return
			if e.Kind == wire.CallWrite && e.Side == wire.Client {
				sent[[2]uint64{e.From, e.To}] = e.At()
			}
			if at, ok := sent[[2]uint64{e.From, e.To}]; ok && e.Kind == wire.Data && e.Side == wire.Server && e.At() < at {
				t.Errorf("[%d,%d) was read at %d, before it was written at %d", e.From, e.To, e.At(), at)
			}
		}
	}
}

func TestOnlyTheFirstBytesAreCopied(t *testing.T) {
	p := connect(t, "tcp")
	long := strings.Repeat("x", wire.MaxCopy+1)
	write(t, p.client, long)
	if e := until(t, p.clientLog, wire.CallWrite); len(e.Data) != wire.MaxCopy || e.Bytes() != uint64(len(long)) {
		t.Errorf("%d bytes copied of %d, want %d of %d", len(e.Data), e.Bytes(), wire.MaxCopy, len(long))
	}
}

func TestReset(t *testing.T) {
	p := connect(t, "tcp")
	if err := p.client.(*tap.Conn).Reset(); err != nil {
		t.Fatal(err)
	}
	_ = p.server.SetReadDeadline(time.Now().Add(patience))
	if _, err := p.server.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read: %v, want %v", err, syscall.ECONNRESET)
	}
	if _, err := p.server.Write([]byte("x")); err == nil {
		t.Error("a broken socket took a write")
	}
	_ = p.server.Close()
	expect(t, "client", p.clientLog, "#1 connect", "#1 reset()", "#1 close")
	expect(t, "server", p.serverLog, "listening", "#1 connection", "#1 error ECONNRESET read", "#1 close after an error")
}

func TestWriteAfterThePeerHasGone(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			p := connect(t, network)
			_ = p.client.Close()
			ends(t, p.server)
			var err error
			for err == nil { // the first may go out before RST comes back
				_, err = p.server.Write([]byte("x"))
			}
			e := until(t, p.serverLog, wire.Error)
			if e.Code != "EPIPE" && e.Code != "ECONNRESET" || e.Syscall != "write" {
				t.Errorf("%s in %s, want EPIPE in write", e.Code, e.Syscall)
			}
		})
	}
}

func TestDestroy(t *testing.T) {
	p := connect(t, "tcp")
	_ = p.client.Close()
	ends(t, p.server)
	ends(t, p.server) // an end is told once
	_ = p.server.Close()
	_ = p.server.Close() // and so is a close
	expect(t, "client", p.clientLog, "#1 connect", "#1 destroy()", "#1 close")
	expect(t, "server", p.serverLog, "listening", "#1 connection", "#1 end", "#1 destroy()", "#1 close")
}

func TestDeadlineIsNoError(t *testing.T) {
	p := connect(t, "tcp")
	_ = p.server.SetReadDeadline(time.Unix(1, 0))
	if _, err := p.server.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v, want %v", err, os.ErrDeadlineExceeded)
	}
	write(t, p.client, "x")
	read(t, p.server, 1)
	_ = p.server.Close()
	expect(t, "server", p.serverLog, "listening", "#1 connection", "#1 timeout", "#1 data [0,1) x", "#1 destroy()", "#1 close")
}

// Whatever the program is doing with a connection that it closes, close is the
// last event.
func TestCloseIsLast(t *testing.T) {
	for range 50 {
		p := connect(t, "tcp")
		var busy sync.WaitGroup
		busy.Go(func() { _, _ = io.Copy(io.Discard, p.server) })
		busy.Go(func() { _, _ = io.Copy(p.server, endless{}) })
		busy.Go(func() { _, _ = io.Copy(p.client, endless{}) })
		until(t, p.serverLog, wire.Data)
		_ = p.server.Close()
		closed := p.serverLog.Last()
		busy.Wait()
		events := all(p.serverLog)
		if last := events[len(events)-1]; last.Kind != wire.Close || last.Seq != closed {
			t.Fatalf("%v %d is last, close was %d", last.Kind, last.Seq, closed)
		}
		p.close()
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestOffsetsAreThoseOfTheStream(t *testing.T) {
	const each, writers = 100, 8
	p := connect(t, "tcp")
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				if _, err := p.client.Write([]byte("x")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var next uint64
	for _, e := range all(p.clientLog)[1:] {
		if e.From != next || e.Bytes() != 1 {
			t.Fatalf("%v [%d,%d), want it to start at %d", e.Kind, e.From, e.To, next)
		}
		next = e.To
	}
	if next != writers*each {
		t.Errorf("%d bytes, want %d", next, writers*each)
	}
}

// A connection that can do less says so, and everything else works.
func TestPlainConn(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	var log tap.Log
	c := tap.Client(a, 4, tap.Now(), log.Add)
	if err := c.CloseWrite(); err != errors.ErrUnsupported {
		t.Errorf("CloseWrite: %v", err)
	}
	if err := c.CloseRead(); err != errors.ErrUnsupported {
		t.Errorf("CloseRead: %v", err)
	}
	if _, err := c.SyscallConn(); err != errors.ErrUnsupported {
		t.Errorf("SyscallConn: %v", err)
	}
	if err := c.Reset(); err != nil {
		t.Errorf("Reset: %v", err)
	}
	expect(t, "pipe", &log, "#4 connect", "#4 reset()", "#4 close")
}

func TestSyscallConn(t *testing.T) {
	p := connect(t, "tcp")
	raw, err := p.client.(*tap.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	asked := false
	if err := raw.Control(func(uintptr) { asked = true }); err != nil || !asked {
		t.Errorf("Control: %v, %v", asked, err)
	}
	if err := p.client.(*tap.Conn).CloseRead(); err != nil && runtime.GOOS == "linux" {
		t.Errorf("CloseRead: %v", err)
	}
}
