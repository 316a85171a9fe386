package netconn

import (
	"context"
	"net"
	"os"
	"sync"
	"time"

	"porthole/web/client"
	"porthole/wire"
)

// Listener is a TCP listener of the gateway's. It is a net.Listener; its caller
// closes it.
type Listener struct {
	s       *session
	network string
	moved   *sync.Cond // its mutex is the session's

	listener *client.Listener
	at       net.Addr // nil until it listens
	err      error    // it never will
	over     bool     // it is closed at the gateway
	closed   bool     // Close was called
	waiting  []*Conn  // to be accepted
	accepts  deadline
}

// listen opens a listener.
func (s *session) listen(ctx context.Context, at endpoint) (*Listener, error) {
	l := &Listener{s: s, network: at.network}
	l.moved = sync.NewCond(&s.mu)
	s.mu.Lock()
	defer s.mu.Unlock()
	l.listener = s.client.Listen(wire.Listen{Host: at.host, Port: uint64(at.port), Family: uint64(at.family)}, accepter{l})
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		l.moved.Broadcast()
	})()
	for l.at == nil && l.err == nil && !l.over && ctx.Err() == nil {
		l.moved.Wait()
	}
	err := l.err
	switch {
	case l.at != nil && ctx.Err() == nil:
		return l, nil
	case ctx.Err() != nil:
		err = stopped(ctx)
		l.shut()
	case err == nil:
		err = ErrGone
	}
	return nil, &net.OpError{Op: "listen", Net: at.network, Addr: at.addr(), Err: err}
}

// Accept waits for the next connection. Until it is accepted nothing of it is
// read.
func (l *Listener) Accept() (net.Conn, error) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	for {
		switch {
		case l.closed:
			return nil, l.fail(net.ErrClosed)
		case l.accepts.passed:
			return nil, l.fail(os.ErrDeadlineExceeded)
		case len(l.waiting) > 0:
			c := l.waiting[0]
			l.waiting = l.waiting[1:]
			c.stream.Accept()
			return c, nil
		case l.over:
			return nil, l.fail(ErrGone)
		}
		l.moved.Wait()
	}
}

func (l *Listener) fail(err error) error {
	return &net.OpError{Op: "accept", Net: l.network, Addr: l.at, Err: err}
}

// Close stops listening. Connections that were not accepted are reset.
func (l *Listener) Close() error {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "close", Net: l.network, Addr: l.at, Err: net.ErrClosed}
	}
	l.shut()
	return nil
}

func (l *Listener) shut() {
	l.closed = true
	l.accepts.stop()
	l.listener.Close()
	for _, c := range l.waiting {
		c.stream.Reset()
	}
	l.waiting = nil
	l.moved.Broadcast()
}

// Addr is where it listens, as the gateway's kernel tells it.
func (l *Listener) Addr() net.Addr { return l.at }

// SetDeadline bounds how long Accept waits.
func (l *Listener) SetDeadline(t time.Time) error {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "set", Net: l.network, Addr: l.at, Err: net.ErrClosed}
	}
	l.accepts.set(t, l.moved)
	return nil
}

// What follows is client.ListenerHandler. The session's mutex is held.

// Listening tells where the listener is.
func (l *Listener) Listening(local string) {
	l.at = address(local)
	l.moved.Broadcast()
}

// Failed tells why there is none.
func (l *Listener) Failed(f wire.Failure) {
	l.err = cause(&f, f.Address)
	l.moved.Broadcast()
}

// Accept of a handler and of a net.Listener have one name: accepter is the former.
type accepter struct{ *Listener }

func (a accepter) Accept(st *client.Stream, m wire.Accepted) client.StreamHandler {
	c := newConn(a.s, a.network)
	c.stream = st
	c.Connected(wire.Connected{Local: m.Local, Remote: m.Remote})
	if a.closed {
		st.Reset()
		return c
	}
	a.waiting = append(a.waiting, c)
	a.moved.Broadcast()
	return c
}

// Unlistened tells that the listener is closed at the gateway.
func (l *Listener) Unlistened() {
	l.over = true
	l.moved.Broadcast()
}
