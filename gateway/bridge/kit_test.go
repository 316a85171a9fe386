package bridge_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"porthole/gateway/bridge"
)

func TestMain(m *testing.M) {
	_ = flag.Set("rapid.checks", "50") // where the command line does not ask for more
	goleak.VerifyTestMain(m, strays...)
}

// patience bounds what a test waits for and should come at once.
const patience = 20 * time.Second

// serve puts a bridge, behind the middleware if there is any, on a real HTTP
// server, and gives its host:port. The bridge is shut down with the test.
func serve(t testing.TB, b *bridge.Bridge, middleware ...func(http.Handler) http.Handler) string {
	t.Helper()
	return serveAt(t, "127.0.0.1:0", b, middleware...)
}

// serveAt is serve on an address.
func serveAt(t testing.TB, addr string, b *bridge.Bridge, middleware ...func(http.Handler) http.Handler) string {
	t.Helper()
	var h http.Handler = b
	for _, m := range middleware {
		h = m(h)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	server.Start()
	t.Cleanup(func() {
		shutdown(t, b)
		server.Close()
	})
	return strings.TrimPrefix(server.URL, "http://")
}

func shutdown(t testing.TB, b *bridge.Bridge) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// monitor guards what goroutines of a test tell each other: who changes it wakes
// those who wait for it.
type monitor struct {
	mu      sync.Mutex
	changed sync.Cond // its L is mu
}

// await waits until done, which it calls with mu held, or tells that it waited in
// vain.
func (m *monitor) await(done func() bool) bool {
	late := false
	timer := time.AfterFunc(patience, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		late = true
		m.changed.Broadcast()
	})
	defer timer.Stop()
	m.mu.Lock()
	defer m.mu.Unlock()
	for !done() && !late {
		m.changed.Wait()
	}
	return done()
}

// to is a bridge with some targets.
func to(targets ...bridge.Target) *bridge.Bridge {
	return &bridge.Bridge{Policy: bridge.Policy{Targets: targets}}
}

func parseTarget(t testing.TB, s string) bridge.Target {
	t.Helper()
	target, err := bridge.ParseTarget(s)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// peer is a TCP server that serves each connection on its own goroutine, and
// closes what is left when the test is over.
func peer(t testing.TB, serve func(c *net.TCPConn)) bridge.Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return peerAt(t, l, serve)
}

// peerAt is a peer that listens elsewhere.
func peerAt(t testing.TB, l net.Listener, serve func(c *net.TCPConn)) bridge.Target {
	t.Helper()
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				defer context.AfterFunc(ctx, func() { _ = c.Close() })()
				serve(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		cancel()
		running.Wait()
	})
	return parseTarget(t, l.Addr().String())
}

// accepting is a peer whose connections the test takes and drives itself.
func accepting(t testing.TB) (bridge.Target, func() *net.TCPConn) {
	t.Helper()
	conns := make(chan *net.TCPConn)
	over := make(chan struct{})
	target := peer(t, func(c *net.TCPConn) {
		select {
		case conns <- c:
		case <-over:
		}
		<-over
	})
	t.Cleanup(func() { close(over) })
	return target, func() *net.TCPConn {
		t.Helper()
		select {
		case c := <-conns:
			deadline(t, c)
			return c
		case <-time.After(patience):
			t.Fatal("no connection came")
			return nil
		}
	}
}

// absent is a target at which no one listens. Its port is in use, so that no
// one else begins to.
func absent(t testing.TB) bridge.Target {
	t.Helper()
	c, err := net.Dial("tcp", peer(t, deaf).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return parseTarget(t, c.LocalAddr().String())
}

// echo sends back what it reads, and ends when the other side has.
func echo(c *net.TCPConn) {
	if _, err := io.Copy(c, c); err == nil {
		_ = c.CloseWrite()
	}
}

// greet puts 你好 in front of each read, as the greeter does.
func greet(c *net.TCPConn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := c.Read(buf)
		if n > 0 {
			if _, err := c.Write(append([]byte("你好"), buf[:n]...)); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// deadline lets no call on c wait for ever.
func deadline(t testing.TB, c net.Conn) {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
}

// read reads exactly n bytes.
func read(t testing.TB, c net.Conn, n int) string {
	t.Helper()
	buf := make([]byte, n)
	if _, err := io.ReadFull(c, buf); err != nil {
		t.Fatalf("the peer reads %d bytes: %v", n, err)
	}
	return string(buf)
}

func write(t testing.TB, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatalf("the peer writes: %v", err)
	}
}

// ending reads until the connection ends, and says how: nil for FIN.
func ending(c net.Conn) error {
	_, err := io.Copy(io.Discard, c)
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

func reset(t testing.TB, c *net.TCPConn) {
	t.Helper()
	if err := c.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// firehose writes until the connection breaks.
func firehose(c *net.TCPConn) {
	buf := make([]byte, 16<<10)
	for {
		if _, err := c.Write(buf); err != nil {
			return
		}
	}
}

// deaf reads nothing, until the test is over.
func deaf(c *net.TCPConn) {
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Read(func(uintptr) bool { return false }) // it returns when c is closed
	}
}
