package main

import (
	"context"
	"net"
	"sync"
	"sync/atomic"

	"porthole/tcpserver/greeter"
	"porthole/wire/tap"
)

// stage is where the gateway's own greeter plays: a bridge.Server that closes
// and listens again while one greeter.Server serves it all along. So open
// connections go on whatever the pages do, and end as that server ends them.
type stage struct {
	tap.Server
	addr net.Addr

	mu      sync.Mutex
	up      net.Listener  // nil while closed
	over    bool          // no one listens again
	changed chan struct{} // closed when one of these changes
}

// newStage takes over a listener. Its events go to emit, and accepted numbers its
// connections.
func newStage(l net.Listener, emit tap.Emit, accepted *atomic.Uint64) *stage {
	s := &stage{addr: l.Addr(), changed: make(chan struct{}), Server: tap.Server{Emit: emit, Accepted: accepted}}
	s.up = s.Listener(l)
	return s
}

// serve lets the greeter serve until the context ends, and is then over.
func (s *stage) serve(ctx context.Context, g *greeter.Server) error {
	return g.Serve(ctx, entrance{s})
}

// Close stops listening, if it listens. Open connections go on.
func (s *stage) Close() error { return s.close(false) }

func (s *stage) close(over bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	up := s.up
	s.over = s.over || over
	s.turn(nil)
	if up == nil {
		return nil
	}
	return up.Close()
}

// Listen listens again on the same address, unless it does, or is over. That it
// cannot is told as an error of the server.
func (s *stage) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.up != nil || s.over {
		return nil
	}
	l, err := greeter.Listen(context.Background(), s.addr.String()) // no name, so no lookup to cancel
	if err != nil {
		s.Failed(s.addr.String(), err)
		return err
	}
	s.turn(s.Listener(l))
	return nil
}

// turn changes what is up. mu is held.
func (s *stage) turn(up net.Listener) {
	s.up = up
	close(s.changed)
	s.changed = make(chan struct{})
}

// entrance is the stage as its greeter sees it: one listener, whose Close is for
// good.
type entrance struct{ *stage }

// Accept waits through the times in which no one listens.
func (e entrance) Accept() (net.Conn, error) {
	for {
		e.mu.Lock()
		up, over, changed := e.up, e.over, e.changed
		e.mu.Unlock()
		if over {
			return nil, net.ErrClosed
		}
		if up == nil {
			<-changed
			continue
		}
		c, err := up.Accept()
		if err == nil || !e.left(up) {
			return c, err
		}
	}
}

// left tells whether a listener is no longer the one that is up.
func (e entrance) left(l net.Listener) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.up != l
}

func (e entrance) Close() error   { return e.close(true) }
func (e entrance) Addr() net.Addr { return e.addr }
