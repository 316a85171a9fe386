package tap_test

import (
	"net"
	"os"
	"syscall"
	"testing"

	"porthole/wire/tap"
)

func TestServerCloseIsAfterTheLastConnection(t *testing.T) {
	p := connect(t, "tcp")
	_ = p.listener.Close()
	expect(t, "open", p.serverLog, "listening", "#1 connection", "close()")
	_ = p.server.Close()
	expect(t, "closed", p.serverLog, "listening", "#1 connection", "close()", "#1 destroy()", "#1 close", "close")
}

func TestConnectionsAreNumbered(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log tap.Log
	tapped := tap.Listener(l, log.Add)
	for range 2 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s, err := tapped.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
	}
	_ = tapped.Close()
	expect(t, "two", &log, "listening", "#1 connection", "#2 connection", "close()")
	if e := all(&log)[0]; e.Local != l.Addr().String() || !e.Listener() {
		t.Errorf("listening is %+v", e)
	}
}

// script is a listener whose Accepts a test decides.
type script struct {
	net.Listener
	entered chan struct{} // Accept was called
	accepts chan any      // a net.Conn or an error
}

func newScript() *script { return &script{entered: make(chan struct{}, 9), accepts: make(chan any, 9)} }

func (s *script) Accept() (net.Conn, error) {
	s.entered <- struct{}{}
	switch v := (<-s.accepts).(type) {
	case net.Conn:
		return v, nil
	case error:
		return nil, v
	}
	panic("neither a connection nor an error")
}

func (s *script) Close() error   { return nil }
func (s *script) Addr() net.Addr { return &net.UnixAddr{Name: "script", Net: "unix"} }

func TestAcceptErrorIsTold(t *testing.T) {
	inner := newScript()
	var log tap.Log
	l := tap.Listener(inner, log.Add)
	inner.accepts <- &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	inner.accepts <- net.ErrClosed
	for range 2 {
		if _, err := l.Accept(); err == nil {
			t.Error("no error")
		}
	}
	_ = l.Close()
	expect(t, "script", &log, "listening", "error EMFILE accept", "close()", "close")
}

// A connection that the kernel had accepted already when the listener was
// closed is one of those that close waits for.
func TestConnectionAcceptedDuringClose(t *testing.T) {
	inner := newScript()
	var log tap.Log
	l := tap.Listener(inner, log.Add)
	accepted := make(chan net.Conn)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	<-inner.entered
	_ = l.Close()
	a, b := net.Pipe()
	defer b.Close()
	inner.accepts <- a
	c := <-accepted
	_ = c.Close()
	inner.accepts <- net.ErrClosed
	if _, err := l.Accept(); err != net.ErrClosed {
		t.Errorf("Accept: %v", err)
	}
	_ = l.Close()
	expect(t, "script", &log, "listening", "close()", "#1 connection", "#1 destroy()", "#1 close", "close")
}
