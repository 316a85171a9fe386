package netconn_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"porthole/web/netconn"
)

// Two ends of a real TCP connection are what package net's own test of a net.Conn
// takes them for.
func TestConn(t *testing.T) {
	d := dialer(t)
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		l, err := d.Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, nil, err
		}
		defer l.Close()
		if c1, err = d.Dial("tcp", l.Addr().String()); err != nil {
			return nil, nil, nil, err
		}
		if c2, err = l.Accept(); err != nil {
			return nil, nil, nil, err
		}
		return c1, c2, func() {
			_ = c1.Close()
			_ = c2.Close()
		}, nil
	})
}

func TestAddresses(t *testing.T) {
	c, a := pair(t, dialer(t))
	if c.LocalAddr().String() != a.RemoteAddr().String() || c.RemoteAddr().String() != a.LocalAddr().String() {
		t.Errorf("%v to %v, and %v to %v", c.LocalAddr(), c.RemoteAddr(), a.LocalAddr(), a.RemoteAddr())
	}
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() || tcp.Network() != "tcp" {
		t.Errorf("the peer is at %#v", c.RemoteAddr())
	}
}

// Each side ends its own way, and the other goes on; what was written comes whole.
func TestCloseWrite(t *testing.T) {
	c, a := pair(t, dialer(t))
	sent := bytes.Repeat([]byte("你好哇咔咔"), 200_000)
	var writing sync.WaitGroup
	writing.Go(func() {
		if n, err := c.Write(sent); n != len(sent) || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
		if err := c.CloseWrite(); err != nil {
			t.Error(err)
		}
	})
	if got, err := io.ReadAll(a); !bytes.Equal(got, sent) || err != nil {
		t.Errorf("%d bytes come, or others, %v; want %d", len(got), err, len(sent))
	}
	writing.Wait()
	if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("behind the end: %v, want EPIPE", err)
	}
	if _, err := a.Write([]byte("late")); err != nil {
		t.Error(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(c); string(got) != "late" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// Close sends what was written, as a kernel does in the background.
func TestCloseSendsWhatWasWritten(t *testing.T) {
	c, a := pair(t, dialer(t))
	sent := bytes.Repeat([]byte("x"), 200_000)
	if _, err := c.Write(sent); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(a); len(got) != len(sent) || err != nil {
		t.Errorf("%d bytes come, %v; want %d", len(got), err, len(sent))
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed again: %v", err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read: %v", err)
	}
}

// What is unread at the end, and SetLinger(0), reset the peer.
func TestResets(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, c, a *netconn.Conn){
		"linger": func(t *testing.T, c, _ *netconn.Conn) { _ = c.SetLinger(0) },
		"unread": func(t *testing.T, c, a *netconn.Conn) {
			if _, err := a.Write([]byte("ab")); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, a := pair(t, dialer(t))
			end(t, c, a)
			_ = c.Close()
			if _, err := io.ReadAll(a); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the peer reads to %v, want ECONNRESET", err)
			}
		})
	}
}

func TestCloseRead(t *testing.T) {
	c, a := pair(t, dialer(t))
	if err := c.CloseRead(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Write(make([]byte, 4<<20)); err != nil { // more than a window: it is taken
		t.Error(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read %d, %v, want EOF", n, err)
	}
	if _, err := c.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadFull(a, make([]byte, 1)); got != 1 || err != nil {
		t.Errorf("the other way: %d, %v", got, err)
	}
}

// A reader who does not read stops the writer, and what is held is bounded.
func TestBackpressure(t *testing.T) {
	c, a := pair(t, dialer(t))
	if err := c.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := c.Write(make([]byte, 64<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n >= 64<<20 {
		t.Fatalf("wrote %d, %v, want some and ErrDeadlineExceeded", n, err)
	}
	if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
		t.Errorf("%v is no timeout", err)
	}
	if err := c.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		if _, err := c.Write([]byte("more")); err != nil {
			t.Error(err)
		}
		_ = c.CloseWrite()
	})
	got, err := io.Copy(io.Discard, a)
	if got != int64(n+4) || err != nil {
		t.Errorf("%d bytes come, %v, want %d", got, err, n+4)
	}
	writing.Wait()
}

// Why there is no connection is said as package net says it.
func TestDialErrors(t *testing.T) {
	d := dialer(t)
	const addr = "127.0.0.1:1"
	_, err := d.Dial("tcp", addr)
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "dial" || op.Net != "tcp" || op.Addr == nil || op.Addr.String() != addr {
		t.Errorf("got %#v", err)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want ECONNREFUSED", err)
	}
	if _, err := d.Dial("tcp4", addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("over tcp4: %v, want ECONNREFUSED", err)
	}
	l := listen(t, d)
	_ = l.Close() // no page listens there any more, so it may not be dialled
	if _, err := d.Dial("tcp", l.Addr().String()); !errors.Is(err, syscall.EACCES) {
		t.Errorf("got %v, want EACCES", err)
	}
	for _, tt := range [][3]string{
		{"udp", "127.0.0.1:1", "unknown network udp"},
		{"tcp", "127.0.0.1", "missing port"},
		{"tcp", "127.0.0.1:http", "invalid port"},
	} {
		if _, err := d.Dial(tt[0], tt[1]); err == nil || !strings.Contains(err.Error(), tt[2]) {
			t.Errorf("dial %s %s: %v, want %q", tt[0], tt[1], err, tt[2])
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := d.DialContext(ctx, "tcp", addr); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	for why, d := range map[string]*netconn.Dialer{
		"a gateway that is not there":     {URL: "ws://127.0.0.1:1/ws"},
		"a scheme that is no WebSocket's": {URL: "ftp://127.0.0.1:1/ws"},
		"a URL that is none":              {URL: "ws://[/ws"},
		"a subprotocol that is no token":  {URL: gateway(t), Protocols: []string{"not one"}},
	} {
		if _, err := d.Dial("tcp", addr); err == nil {
			t.Errorf("%s is reached", why)
		} else if _, ok := errors.AsType[*net.OpError](err); !ok {
			t.Errorf("%s: %#v, want an OpError", why, err)
		}
		_ = d.Close()
	}
}

// A session's end is the end of all that it carries, and another is opened.
func TestDialerClose(t *testing.T) {
	d := dialer(t)
	c, _ := pair(t, d)
	l := listen(t, d)
	_ = d.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, netconn.ErrGone) {
		t.Errorf("read: %v, want ErrGone", err)
	}
	if _, err := c.Write(make([]byte, 1)); !errors.Is(err, netconn.ErrGone) {
		t.Errorf("write: %v, want ErrGone", err)
	}
	if _, err := l.Accept(); !errors.Is(err, netconn.ErrGone) {
		t.Errorf("accept: %v, want ErrGone", err)
	}
	again, other := pair(t, d)
	if _, err := again.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if n, err := other.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
}

// Many sockets share the WebSocket, and leave nothing.
func TestManyConns(t *testing.T) {
	d := dialer(t)
	l := listen(t, d)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			})
		}
	})
	for range 4 {
		var dialling sync.WaitGroup
		for range 50 {
			dialling.Go(func() {
				c, err := d.DialContext(soon(t), "tcp", l.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				_, _ = c.Write([]byte("哇咔咔"))
				_ = c.(*netconn.Conn).CloseWrite()
				if got, err := io.ReadAll(c); string(got) != "哇咔咔" || err != nil {
					t.Errorf("got %q, %v", got, err)
				}
			})
		}
		dialling.Wait()
	}
	_ = l.Close()
	serving.Wait()
}
