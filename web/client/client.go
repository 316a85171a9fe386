// Package client is the page's end of porthole.v1 (package wire): sessions,
// streams and their credit, over whatever carries messages. It knows neither a
// browser nor a network, so it runs in both.
//
// Everything of one [Session] happens on one goroutine, or under one lock of
// the owner's: the owner passes in each message with Receive, and handlers are
// called from within. Nothing here blocks.
package client

import (
	"errors"

	"porthole/wire"
)

// Socket carries the messages of one session: a WebSocket.
type Socket interface {
	// Send sends one binary message. It does not keep msg.
	Send(msg []byte)
	// Close closes with a WebSocket close code.
	Close(code int, reason string)
}

// SessionHandler is told what concerns the whole session.
type SessionHandler interface {
	Hello(h wire.Hello)
	// Event tells what a socket did. Its Data is valid during the call.
	Event(e wire.Event)
	// Lost tells that n events did not come.
	Lost(n uint64)
}

// ErrProtocol reports a gateway that breaks the protocol.
var ErrProtocol = errors.New("client: the gateway breaks the protocol")

// Session is one WebSocket to a gateway.
type Session struct {
	sock      Socket
	handler   SessionHandler
	window    uint64             // bytes of a stream that may be under way to the gateway
	message   int                // bytes of a message to it, at most
	last      uint64             // the newest id
	streams   map[uint64]*Stream // nil once the session is gone
	lookups   map[uint64]func([]string, *wire.Failure)
	listeners map[uint64]*Listener
	out       []byte // the message that is being built
}

// NewSession starts a session on a socket that is open, or opens. The owner
// keeps the socket's receiving side.
func NewSession(sock Socket, h SessionHandler) *Session {
	return &Session{
		sock: sock, handler: h, window: wire.Window, message: wire.MaxMessage,
		streams: map[uint64]*Stream{}, lookups: map[uint64]func([]string, *wire.Failure){},
		listeners: map[uint64]*Listener{},
	}
}

// MaxData is how many bytes of a stream one message takes, at most.
func (s *Session) MaxData() int { return s.message - wire.Overhead }

// Receive takes one message. After an error the session has closed its socket,
// and the owner calls Gone.
func (s *Session) Receive(msg []byte) error {
	op, id, rest, err := wire.ParseHead(msg)
	if err == nil {
		err = s.handle(op, id, rest)
	}
	if err != nil {
		s.sock.Close(closeProtocol, "porthole.v1: message cannot be read")
	}
	return err
}

// closeProtocol: a browser lets a page close with 1000 or 3000 to 4999 only.
const closeProtocol = 4002

func (s *Session) handle(op wire.Op, id uint64, rest []byte) error {
	switch op {
	case wire.OpHello:
		var h wire.Hello
		if err := wire.Parse(rest, &h); err != nil {
			return err
		}
		if h.Message <= wire.Overhead {
			return ErrProtocol // nothing could be sent
		}
		s.window = min(h.Window, wire.Window)
		s.message = int(min(h.Message, wire.MaxMessage))
		s.handler.Hello(h)
		return nil
	case wire.OpEvents:
		return wire.ParseEvents(rest, s.handler.Event)
	case wire.OpLost:
		var n wire.Count
		if err := wire.Parse(rest, &n); err != nil {
			return err
		}
		s.handler.Lost(uint64(n))
		return nil
	}
	if op == wire.OpAccepted {
		return s.accepted(id, rest)
	}
	if l := s.listeners[id]; l != nil {
		return l.receive(op, rest)
	}
	if done := s.lookups[id]; done != nil {
		return s.resolved(id, op, rest, done)
	}
	if st := s.streams[id]; st != nil {
		return st.receive(op, rest)
	}
	return nil // what is still under way for a stream that has ended
}

// Resolve asks for the addresses of a target's host: family 4, 6, or 0 for
// both. done gets them in the order to try, or what failed.
func (s *Session) Resolve(host string, family int, done func(addresses []string, f *wire.Failure)) {
	if s.streams == nil {
		done(nil, gone())
		return
	}
	id := s.next()
	s.lookups[id] = done
	s.send(wire.OpResolve, id, &wire.Resolve{Host: host, Family: uint64(family)})
}

func (s *Session) resolved(id uint64, op wire.Op, rest []byte, done func([]string, *wire.Failure)) error {
	var r wire.Resolved
	var f *wire.Failure
	var body wire.Body = &r
	if op == wire.OpFailed {
		f = &wire.Failure{}
		body = f
	}
	if err := wire.Parse(rest, body); err != nil {
		return err
	}
	delete(s.lookups, id)
	done(r.Addresses, f)
	return nil
}

// Dial opens a stream. The answer comes to the handler; on a session that is
// gone it is Closed, before Dial returns.
func (s *Session) Dial(d wire.Dial, h StreamHandler) *Stream {
	d.Window = wire.MaxWindow
	st := &Stream{s: s, id: s.next(), handler: h, window: s.window, credit: s.window}
	if s.streams == nil {
		st.end(wire.ReasonGone)
		return st
	}
	s.streams[st.id] = st
	s.send(wire.OpDial, st.id, &d)
	return st
}

// Observe asks to be told, every so many ms, how the kernels hold the bytes of
// each stream, if hello offers "kernel"; 0 ends it.
func (s *Session) Observe(every uint64) { s.send(wire.OpObserve, 0, &wire.Observe{Sample: every}) }

// Lab steers the server that the targets lead to, if hello offers "server".
func (s *Session) Lab(verb wire.Verb) { s.send(wire.OpLab, 0, &wire.Lab{Verb: verb}) }

// Gone ends every stream, because the WebSocket has ended. What they had
// received can still be read.
func (s *Session) Gone() {
	lookups, streams, listeners := s.lookups, s.streams, s.listeners
	s.sock, s.lookups, s.streams, s.listeners = nowhere{}, nil, nil, nil
	for _, done := range lookups {
		done(nil, gone())
	}
	for _, l := range listeners {
		l.handler.Unlistened()
	}
	for _, st := range streams {
		st.end(wire.ReasonGone)
	}
}

// gone is what a lookup meets on a session that has ended.
func gone() *wire.Failure {
	return &wire.Failure{Phase: wire.PhaseResolve, Code: "ECONNRESET", Errno: 104, Syscall: "getaddrinfo"}
}

// nowhere is the socket of a session that has ended.
type nowhere struct{}

func (nowhere) Send([]byte)       {}
func (nowhere) Close(int, string) {}

// next is a new id: odd, because it is the page's.
func (s *Session) next() uint64 {
	if s.last == 0 {
		s.last = 1
	} else {
		s.last += 2
	}
	return s.last
}

func (s *Session) send(op wire.Op, id uint64, body wire.Body) {
	s.out = wire.Append(s.out[:0], op, id, body)
	s.sock.Send(s.out)
}
