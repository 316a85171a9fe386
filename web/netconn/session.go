package netconn

import (
	"context"
	"net"
	"sync"

	"porthole/web/client"
	"porthole/wire"
)

// session is one WebSocket to a gateway. Its mutex, which is the Dialer's, makes of
// all goroutines the one that package client wants; who holds it never waits.
type session struct {
	d       *Dialer
	mu      *sync.Mutex
	client  *client.Session
	sock    interface{ cut() } // ends the WebSocket; nil until it is opened
	ready   chan struct{}      // closed once hello has come, or it has ended
	ended   bool
	why     error // it ended
	greeted bool
	parting []*Conn // that the gateway has ended because it ends the session
}

func newSession(d *Dialer) *session {
	return &session{d: d, mu: &d.turn, ready: make(chan struct{})}
}

// start is called once, before anything comes, with what sends.
func (s *session) start(sock interface {
	client.Socket
	cut()
}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = client.NewSession(sock, s)
	s.sock = sock
}

// receive takes a message, which is valid during the call.
func (s *session) receive(msg []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		_ = s.client.Receive(msg) // an error closes the socket, and gone comes
	}
}

// gone ends what the session carried. Only the first reason counts.
func (s *session) gone(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.ended, s.why = true, why
	if g, ok := why.(*Gone); ok {
		g.unmet = !s.greeted
	}
	if s.client != nil {
		s.client.Gone()
	}
	for _, c := range s.parting {
		c.Closed(wire.ReasonGone)
	}
	if !s.greeted {
		close(s.ready)
	}
}

func (s *session) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// close ends the WebSocket.
func (s *session) close() {
	s.mu.Lock()
	sock := s.sock
	s.mu.Unlock()
	s.gone(errClosed)
	if sock != nil {
		sock.cut()
	}
}

// await waits until the gateway has said hello.
func (s *session) await(ctx context.Context) error {
	select {
	case <-s.ready:
	case <-ctx.Done():
		return stopped(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return s.why
	}
	return nil
}

// Hello opens the session.
func (s *session) Hello(wire.Hello) {
	if !s.greeted {
		s.greeted = true
		close(s.ready)
	}
}

// Event and Lost are for who draws.
func (*session) Event(wire.Event) {}
func (*session) Lost(uint64)      {}

// dial connects, at each of a family's addresses in turn if it must be of one.
func (s *session) dial(ctx context.Context, to endpoint) (*Conn, error) {
	addrs := []string{""}
	if to.family != 0 && net.ParseIP(to.host) == nil {
		var err error
		if addrs, err = s.lookup(ctx, to.host, to.family); err != nil {
			return nil, &net.OpError{Op: "dial", Net: to.network, Err: err}
		}
	}
	var first error
	for _, addr := range addrs {
		c := newConn(s, to.network)
		s.mu.Lock()
		c.stream = s.client.Dial(to.dialTo(addr), c)
		s.mu.Unlock()
		err := c.await(ctx, to)
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

// lookup resolves a host.
func (s *session) lookup(ctx context.Context, host string, family int) ([]string, error) {
	type answer struct {
		addrs []string
		err   error
	}
	done := make(chan answer, 1)
	s.mu.Lock()
	s.client.Resolve(host, family, func(addrs []string, f *wire.Failure) {
		a := answer{addrs: addrs}
		if f != nil {
			a.err = cause(f, host)
		}
		done <- a
	})
	s.mu.Unlock()
	select {
	case a := <-done:
		return a.addrs, a.err
	case <-ctx.Done():
		return nil, stopped(ctx)
	}
}
