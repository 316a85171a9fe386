package tap_test

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"porthole/wire"
	"porthole/wire/tap"
)

// named is one end of a pipe with addresses.
type named struct {
	net.Conn
	local, remote address
}

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

func (c named) LocalAddr() net.Addr  { return c.local }
func (c named) RemoteAddr() net.Addr { return c.remote }

// arriving is a connection that a script's Accept gives.
func arriving(t *testing.T, client string) net.Conn {
	a, b := net.Pipe()
	t.Cleanup(func() { _ = b.Close() })
	return named{a, "server", address(client)}
}

// A client knows of its connection before its server does, and is waited for.
func TestServerFindsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newScript()
		var log tap.Log
		server := tap.Server{Emit: log.Add}
		l := server.Listener(inner)
		find := func(client string) *tap.Conn {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return server.Conn(ctx, client)
		}
		accept := func(client string) net.Conn {
			inner.accepts <- arriving(t, client)
			c, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		found := make(chan *tap.Conn)
		go func() { found <- find("b") }()
		synctest.Wait()
		first := accept("a")
		synctest.Wait() // it is not the one
		second := accept("b")
		if got := <-found; got != second {
			t.Errorf("found %v, want the second", got)
		}
		if got := find("a"); got != first {
			t.Errorf("found %v, want the first", got)
		}
		if got := find("c"); got != nil {
			t.Errorf("found %v, want none", got)
		}
		next := accept("a") // its client is gone, and the address is another's
		_ = first.Close()
		if got := find("a"); got != next {
			t.Errorf("found %v, want the newest", got)
		}
		_ = next.Close()
		_ = second.Close()
		for _, client := range []string{"a", "b", "", "@"} {
			if client == "" || client == "@" { // many clients of a Unix socket have no name
				defer accept(client).Close()
			}
			if got := find(client); got != nil {
				t.Errorf("found %v at %q, want none", got, client)
			}
		}
	})
}

// A server that listens again is the same one: its numbers go on, and it is
// closed when no one listens and no connection of either time is open.
func TestServerListensAgain(t *testing.T) {
	var log tap.Log
	server := tap.Server{Emit: log.Add}
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return server.Listener(l)
	}
	accept := func(l net.Listener) net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	l := listen()
	first := accept(l)
	_ = l.Close()
	_ = l.Close() // it is told once
	server.Failed(l.Addr().String(), &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)})
	l = listen()
	_ = first.Close() // this is not the end
	second := accept(l)
	_ = l.Close()
	_ = second.Close()
	l = listen()
	_ = l.Close()
	expect(t, "server", &log,
		"listening", "#1 connection", "close()", "error EADDRINUSE listen",
		"listening", "#1 destroy()", "#1 close", "#2 connection", "close()", "#2 destroy()", "#2 close", "close",
		"listening", "close()", "close")
	for _, e := range all(&log) {
		if e.Local == "" || e.Start == 0 || e.Start > e.Return {
			t.Errorf("%v: [%d,%d] at %q", e.Kind, e.Start, e.Return, e.Local)
		}
	}
}

// Servers of one process that share their numbers have no two connections alike.
func TestServersShareNumbers(t *testing.T) {
	var accepted atomic.Uint64
	seen := map[uint64]bool{}
	var mu sync.Mutex
	emit := func(e wire.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Kind == wire.Connection {
			seen[e.Conn] = true
		}
	}
	for range 2 {
		inner, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l := (&tap.Server{Emit: emit, Accepted: &accepted}).Listener(inner)
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		for _, end := range []io.Closer{c, s, l} {
			_ = end.Close()
		}
	}
	if !seen[1] || !seen[2] {
		t.Errorf("the connections have the numbers %v, want 1 and 2", seen)
	}
}
