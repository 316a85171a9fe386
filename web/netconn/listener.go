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
//
// It outlives its gateway. When the WebSocket has ended, another one is opened, and
// the port that the listener had is listened on again, at the host that Listen was
// asked for; meanwhile Accept waits. Connections are lost: those that were waiting
// for it, Accept still returns, and they fail with ErrGone. Without a gateway it is
// tried for as long as it takes. Accept fails for good when the Dialer is closed,
// when the gateway lets us in no more, and when the port is refused: by EACCES, or
// by another error for 30 s.
type Listener struct {
	s     *session   // the newest
	asked endpoint   // with the port that it has
	moved *sync.Cond // its mutex is the session's

	listener *client.Listener
	asking   bool      // there is no answer yet
	refusal  error     // the answer, if it was that
	refused  time.Time // when it was first, since it listened
	up       bool      // it listens
	at       net.Addr  // where, or did; nil until then
	err      error     // it never will any more
	closed   bool      // Close was called
	waiting  []*Conn   // to be accepted
	accepts  deadline
}

// listen opens a listener.
func (s *session) listen(ctx context.Context, at endpoint) (*Listener, error) {
	l := &Listener{asked: at, moved: sync.NewCond(s.mu)}
	s.mu.Lock()
	defer s.mu.Unlock()
	l.ask(s)
	l.await(ctx)
	err := l.refusal
	switch {
	case ctx.Err() != nil:
		err = stopped(ctx)
		l.shut()
	case l.at != nil:
		return l, nil
	case err == nil:
		err = s.why
	}
	return nil, &net.OpError{Op: "listen", Net: at.network, Addr: at.addr(), Err: err}
}

// ask asks a session for the listener.
func (l *Listener) ask(s *session) {
	l.s, l.asking, l.refusal = s, true, nil
	l.listener = s.client.Listen(wire.Listen{Host: l.asked.host, Port: uint64(l.asked.port), Family: uint64(l.asked.family)}, accepter{l})
}

// await waits for the answer.
func (l *Listener) await(ctx context.Context) {
	mu := l.moved.L
	defer context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		l.moved.Broadcast()
	})()
	for l.asking && !l.closed && ctx.Err() == nil {
		l.moved.Wait()
	}
}

// Accept waits for the next connection. Until it is accepted nothing of it is
// read.
func (l *Listener) Accept() (net.Conn, error) {
	l.moved.L.Lock()
	defer l.moved.L.Unlock()
	for {
		switch {
		case l.closed:
			return nil, l.fail("accept", net.ErrClosed)
		case l.accepts.passed:
			return nil, l.fail("accept", os.ErrDeadlineExceeded)
		case len(l.waiting) > 0:
			c := l.waiting[0]
			l.waiting = l.waiting[1:]
			c.stream.Accept()
			return c, nil
		case l.err != nil:
			return nil, l.fail("accept", l.err)
		}
		l.moved.Wait()
	}
}

func (l *Listener) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: l.asked.network, Addr: l.at, Err: err}
}

// Close stops listening. Connections that were not accepted are reset.
func (l *Listener) Close() error {
	l.moved.L.Lock()
	defer l.moved.L.Unlock()
	if l.closed {
		return l.fail("close", net.ErrClosed)
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
	l.s.d.settle(l)
	l.moved.Broadcast()
}

// end is the end of a listener that is not listened on again.
func (l *Listener) end(err error) {
	l.err = err
	l.s.d.settle(l)
	l.moved.Broadcast()
}

// Addr is where it listens, as the gateway's kernel tells it, or did last. It
// changes where a gateway gives each session a loopback address of its own.
func (l *Listener) Addr() net.Addr {
	l.moved.L.Lock()
	defer l.moved.L.Unlock()
	return l.at
}

// Up tells whether it listens now: it does not while its gateway is lost.
func (l *Listener) Up() bool {
	l.moved.L.Lock()
	defer l.moved.L.Unlock()
	return l.up && !l.closed
}

// SetDeadline bounds how long Accept waits.
func (l *Listener) SetDeadline(t time.Time) error {
	l.moved.L.Lock()
	defer l.moved.L.Unlock()
	if l.closed {
		return l.fail("set", net.ErrClosed)
	}
	l.accepts.set(t, l.moved)
	return nil
}

// What follows is client.ListenerHandler. The session's mutex is held.

// Listening tells where the listener is.
func (l *Listener) Listening(local string) {
	l.asking, l.up, l.refused = false, true, time.Time{}
	l.at = address(local)
	if at, ok := l.at.(*net.TCPAddr); ok {
		l.asked.port = uint16(at.Port)
	}
	l.s.d.settle(l)
	l.moved.Broadcast()
}

// Failed tells why there is none.
func (l *Listener) Failed(f wire.Failure) {
	l.asking, l.refusal = false, cause(&f, f.Address)
	l.moved.Broadcast()
}

// Accept of a handler and of a net.Listener have one name: accepter is the former.
type accepter struct{ *Listener }

func (a accepter) Accept(st *client.Stream, m wire.Accepted) client.StreamHandler {
	c := newConn(a.s, a.asked.network)
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

// Unlistened tells that the listener is closed at the gateway: unless that was our
// wish, because the session ends.
func (l *Listener) Unlistened() {
	l.asking = false
	if l.up && !l.closed {
		l.up = false
		l.s.d.lose(l)
	}
	l.moved.Broadcast()
}
