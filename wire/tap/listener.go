package tap

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"

	"porthole/wire"
)

// Listener wraps l and reports listening at once, then connection for each
// that it accepts, error for an Accept that fails, close() when it is closed,
// and close when every connection has ended as well: as Node's server does.
func Listener(l net.Listener, emit Emit) net.Listener {
	return (&Server{Emit: emit}).Listener(l)
}

// Server watches one server that may close and listen again, and finds its
// connections. It numbers them all in one row, and reports close only when no
// listener is open and no connection of any is.
type Server struct {
	// Emit takes the events, and must be set.
	Emit Emit
	// Accepted numbers the connections, for a process with several servers: no two
	// of them have the same. If nil, the server has numbers of its own.
	Accepted *atomic.Uint64

	own      atomic.Uint64
	mu       sync.Mutex
	open     int              // connections, and Accepts that may become one
	up       int              // listeners
	closing  bool             // close is to be reported, once up and open are 0
	local    string           // where the newest listener listens
	clients  map[string]*Conn // what is open, by the client's address
	accepted chan struct{}    // closed by the next connection; nil if no one waits
}

// Listener is like the function of that name, for the server's next listener.
func (s *Server) Listener(l net.Listener) net.Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up++
	s.closing = false
	s.local = l.Addr().String()
	now := Now()
	s.tell(wire.Event{Kind: wire.Listening, Start: now, Return: now})
	return &listener{Listener: l, server: s}
}

// Failed reports the error of an attempt to listen on addr.
func (s *Server) Failed(addr string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	code, _ := Errno(err)
	now := Now()
	s.tell(wire.Event{Kind: wire.Error, Start: now, Return: now, Local: addr, Code: code, Syscall: "listen"})
}

// Conn finds the server's end of the connection whose client has the address
// client. A client is connected before Accept returns its connection: Conn waits
// for it until ctx ends, and then returns nil. One without a name (unix(7)) is
// never found. The connection stays its program's, which closes it.
func (s *Server) Conn(ctx context.Context, client string) *Conn {
	for {
		s.mu.Lock()
		c := s.clients[client]
		if c == nil && s.accepted == nil {
			s.accepted = make(chan struct{})
		}
		accepted := s.accepted
		s.mu.Unlock()
		if c != nil {
			return c
		}
		select {
		case <-accepted:
		case <-ctx.Done():
			return nil
		}
	}
}

// enter makes an accepted connection one of the server's, and reports it.
func (s *Server) enter(inner net.Conn, start int64) *Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	numbers := s.Accepted
	if numbers == nil {
		numbers = &s.own
	}
	c := newConn(inner, wire.Server, numbers.Add(1), s.Emit)
	client := c.base.Remote
	c.ended = func() {
		s.leave(func() {
			if s.clients[client] == c { // the address may be another's by now
				delete(s.clients, client)
			}
		})
	}
	c.tell(wire.Connection, start)
	if s.clients == nil {
		s.clients = map[string]*Conn{}
	}
	if client != "" && client != "@" { // many have none
		s.clients[client] = c
	}
	if s.accepted != nil {
		close(s.accepted)
		s.accepted = nil
	}
	return c
}

// leave takes note that a connection is gone, or will not come.
func (s *Server) leave(note func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	note()
	s.open--
	s.concludeLocked()
}

// closed takes note that a listener was closed, in a call from start until now.
func (s *Server) closed(start int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up--
	s.closing = true
	s.tell(wire.Event{Kind: wire.CallClose, Start: start, Return: Now()})
	s.concludeLocked()
}

// concludeLocked reports close if nothing is open any more.
func (s *Server) concludeLocked() {
	if s.closing && s.up == 0 && s.open == 0 {
		s.closing = false
		now := Now()
		s.tell(wire.Event{Kind: wire.Close, Start: now, Return: now})
	}
}

// tell reports an event of the server itself. mu is held, so that events come
// in the order of what they tell.
func (s *Server) tell(e wire.Event) {
	e.Side = wire.Server
	if e.Local == "" {
		e.Local = s.local
	}
	s.Emit(e)
}

type listener struct {
	net.Listener
	server *Server
	once   sync.Once // closed
}

func (l *listener) Accept() (net.Conn, error) {
	s := l.server
	s.mu.Lock()
	s.open++ // the kernel may have one for us even while we close
	s.mu.Unlock()
	start := Now()
	c, err := l.Listener.Accept()
	if err == nil {
		return s.enter(c, start), nil
	}
	s.leave(func() {
		if !errors.Is(err, net.ErrClosed) {
			code, _ := Errno(err)
			now := Now()
			s.tell(wire.Event{Kind: wire.Error, Start: now, Return: now, Code: code, Syscall: "accept"})
		}
	})
	return nil, err
}

func (l *listener) Close() error {
	start := Now()
	err := l.Listener.Close()
	if err == nil {
		l.once.Do(func() { l.server.closed(start) })
	}
	return err
}
