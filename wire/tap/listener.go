package tap

import (
	"errors"
	"net"
	"sync"

	"porthole/wire"
)

// Listener wraps l and reports listening at once, then connection for each
// that it accepts, error for an Accept that fails, and close when it is closed
// and every connection has ended: as Node's server does.
func Listener(l net.Listener, emit Emit) net.Listener {
	t := &listener{Listener: l, emit: emit}
	t.tell(wire.Event{Kind: wire.Listening})
	return t
}

type listener struct {
	net.Listener
	emit Emit

	mu     sync.Mutex
	conns  uint64 // accepted so far
	open   int    // connections, and Accepts that may become one
	closed bool
	told   bool // close was reported
}

func (l *listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	l.open++ // the kernel may have one for us even while we close
	l.mu.Unlock()
	start := Now()
	c, err := l.Listener.Accept()
	if err != nil {
		if !errors.Is(err, net.ErrClosed) {
			code, _ := Errno(err)
			l.tell(wire.Event{Kind: wire.Error, Code: code, Syscall: "accept"})
		}
		l.release(func() { l.open-- })
		return nil, err
	}
	l.mu.Lock()
	l.conns++
	n := l.conns
	l.mu.Unlock()
	t := newConn(c, wire.Server, n, l.emit)
	t.ended = func() { l.release(func() { l.open-- }) }
	t.tell(wire.Connection, start)
	return t, nil
}

func (l *listener) Close() error {
	err := l.Listener.Close()
	if err == nil {
		l.release(func() { l.closed = true })
	}
	return err
}

// release takes note of an end, and reports close if it was the last one.
func (l *listener) release(note func()) {
	l.mu.Lock()
	note()
	last := l.closed && l.open == 0 && !l.told
	l.told = l.told || last
	l.mu.Unlock()
	if last {
		l.tell(wire.Event{Kind: wire.Close})
	}
}

func (l *listener) tell(e wire.Event) {
	e.Side, e.Local = wire.Server, l.Addr().String()
	e.Return = Now()
	e.Start = e.Return
	l.emit(e)
}
