package netconn_test

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"porthole/web/netconn"
)

// Connections are accepted in their order, whoever comes before he is waited for
// too.
func TestAcceptOrder(t *testing.T) {
	d := dialer(t)
	l := listen(t, d)
	var want []string
	for range 5 {
		c, err := d.DialContext(soon(t), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		want = append(want, c.LocalAddr().String())
	}
	for i := range want {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got := c.RemoteAddr().String(); got != want[i] {
			t.Errorf("connection %d is of %s, want %s", i, got, want[i])
		}
	}
}

func TestCloseWhileAccepting(t *testing.T) {
	l := listen(t, dialer(t))
	done := make(chan error)
	for range 3 {
		go func() {
			_, err := l.Accept()
			done <- err
		}()
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("afterwards: %v, want ErrClosed", err)
	}
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed again: %v", err)
	}
}

func TestAcceptDeadline(t *testing.T) {
	d := dialer(t)
	l := listen(t, d).(*netconn.Listener)
	for _, until := range []time.Time{time.Now().Add(-time.Second), time.Now().Add(50 * time.Millisecond)} {
		if err := l.SetDeadline(until); err != nil {
			t.Fatal(err)
		}
		_, err := l.Accept()
		if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v, want a timeout", err)
		}
	}
	if err := l.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	c, err := d.DialContext(soon(t), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	a, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
}

// Who was not accepted when the listener is closed is reset.
func TestCloseResetsWhoWaits(t *testing.T) {
	d := dialer(t)
	l := listen(t, d)
	c, err := d.DialContext(soon(t), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = l.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want ECONNRESET", err)
	}
}

// A port is one listener's, until it is closed.
func TestListenErrors(t *testing.T) {
	one, two := dialer(t), dialer(t)
	l := listen(t, one)
	addr := l.Addr().String()
	_, err := two.Listen(soon(t), "tcp", addr)
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "listen" || !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v, want EADDRINUSE", err)
	}
	if _, err := two.Listen(soon(t), "tcp", "203.0.113.1:0"); !errors.Is(err, syscall.EACCES) {
		t.Errorf("got %v, want EACCES", err)
	}
	if _, err := two.Listen(soon(t), "unix", "/x"); err == nil {
		t.Error("a page listens on a path")
	}
}
