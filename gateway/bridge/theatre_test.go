package bridge_test

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"porthole/gateway/bridge"
	"porthole/tcpserver/greeter"
	"porthole/wire"
	"porthole/wire/tap"
)

// theatre is a bridge.Server around a greeter that listens all along, and notes
// what it is told.
type theatre struct {
	*tap.Server
	hold chan struct{} // calls wait for it; nil: for nothing

	mu    sync.Mutex
	conn  func(ctx context.Context, client string) *tap.Conn // if nil, the server's own
	calls []string
}

func (h *theatre) Conn(ctx context.Context, client string) *tap.Conn {
	h.mu.Lock()
	conn := h.conn
	h.mu.Unlock()
	if conn == nil {
		conn = h.Server.Conn
	}
	return conn(ctx, client)
}

func (h *theatre) Close() error  { return h.call("close") }
func (h *theatre) Listen() error { return h.call("listen") }

func (h *theatre) call(name string) error {
	if h.hold != nil {
		<-h.hold
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, name)
	return nil
}

// steered is a bridge to a greeter that pages may steer.
func steered(t testing.TB, open bool) (*bridge.Bridge, *theatre) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := to(parseTarget(t, l.Addr().String()))
	b.Log, b.Open = &tap.Log{History: 1 << 16}, open
	h := &theatre{Server: &tap.Server{Emit: b.Observe}}
	b.Server = h
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = (&greeter.Server{Grace: patience}).Serve(ctx, h.Listener(l)) })
	t.Cleanup(func() {
		stop()
		serving.Wait() // not for the grace: what pages steered has ended
	})
	return b, h
}

// lab steers the server's end of the stream.
func (s *stream) lab(v wire.Verb, value uint64) {
	s.do(func() { s.Stream.Lab(v, value) })
}

func (p *page) lab(v wire.Verb) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Session.Lab(v)
}

func (p *page) observe(ms uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Session.Observe(ms)
}

// awaitServer waits until the server's end has told of something.
func (s *stream) awaitServer(k wire.Kind) {
	s.p.t.Helper()
	s.await(k.String(), func() bool {
		return slices.ContainsFunc(s.p.events, func(e wire.Event) bool { return e.Side == wire.Server && e.Kind == k })
	})
}

// server are the events of the server's end so far.
func (s *stream) server() []string {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return tell(s.p.events, wire.Server)
}

func (s *stream) expectServer(want ...string) {
	s.p.t.Helper()
	if got := s.server(); !slices.Equal(got, want) {
		s.p.t.Errorf("the server's end:\n got %q\nwant %q", got, want)
	}
}

// receives waits until the server's kernel has n bytes that are not read.
func (s *stream) receives(h *theatre, n uint64) {
	s.p.t.Helper()
	if c := h.Server.Conn(s.p.t.Context(), s.connected.Local); tap.KernelTells {
		until(s.p.t, fmt.Sprintf("%d bytes unread", n), func() bool { return c.Kernel().Unread == n })
	}
}

// until asks until the answer is yes.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for late := time.Now().Add(patience); !done(); runtime.Gosched() {
		if time.Now().After(late) {
			t.Fatalf("%s did not come", what)
		}
	}
}
