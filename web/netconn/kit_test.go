package netconn_test

import (
	"context"
	"net"
	"testing"
	"time"

	"porthole/web/netconn"
)

// patience bounds what a test waits for and should come at once.
const patience = 30 * time.Second

// soon is a context for what should come at once.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// dialer is a dialer of its own WebSocket, which ends with the test.
func dialer(t testing.TB) *netconn.Dialer {
	t.Helper()
	d := &netconn.Dialer{URL: gateway(t)}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// listen listens on the loopback until the test ends.
func listen(t testing.TB, d *netconn.Dialer) net.Listener {
	t.Helper()
	l, err := d.Listen(soon(t), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// pair is a connection through the gateway's kernel, both of whose ends are ours.
func pair(t testing.TB, d *netconn.Dialer) (dialled, accepted *netconn.Conn) {
	t.Helper()
	l := listen(t, d)
	c, err := d.DialContext(soon(t), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Close()
		_ = a.Close()
	})
	return c.(*netconn.Conn), a.(*netconn.Conn)
}
