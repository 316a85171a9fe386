package client

import "porthole/wire"

// ListenerHandler is told what happens to a listener.
type ListenerHandler interface {
	// Listening tells where connections are accepted: "host:port".
	Listening(local string)
	// Failed tells why there is no listener. It is the last.
	Failed(f wire.Failure)
	// Accept takes a connection, and returns who is told what happens to it.
	// Nothing of it is read until [Stream.Accept] is called; to refuse it, close it.
	Accept(st *Stream, a wire.Accepted) StreamHandler
	// Unlistened tells that the listener is closed: at our wish, or because the
	// session is gone. It is the last.
	Unlistened()
}

// Listener is a TCP listener of the gateway's.
type Listener struct {
	s       *Session
	id      uint64
	handler ListenerHandler
	closing bool
}

// Listen opens a listener, if hello offers "listen". The answer comes to the
// handler; on a session that is gone it is Unlistened, before Listen returns.
func (s *Session) Listen(m wire.Listen, h ListenerHandler) *Listener {
	l := &Listener{s: s, id: s.next(), handler: h}
	if s.streams == nil {
		h.Unlistened()
		return l
	}
	s.listeners[l.id] = l
	s.send(wire.OpListen, l.id, &m)
	return l
}

// Close stops listening. Connections that were accepted stay open.
func (l *Listener) Close() {
	if !l.closing {
		l.closing = true
		l.s.send(wire.OpUnlisten, l.id, nil)
	}
}

func (l *Listener) receive(op wire.Op, rest []byte) error {
	switch op {
	case wire.OpListening:
		var m wire.Listener
		if err := wire.Parse(rest, &m); err != nil {
			return err
		}
		l.handler.Listening(m.Local)
	case wire.OpFailed:
		var f wire.Failure
		if err := wire.Parse(rest, &f); err != nil {
			return err
		}
		delete(l.s.listeners, l.id)
		l.handler.Failed(f)
	case wire.OpUnlistened:
		delete(l.s.listeners, l.id)
		l.handler.Unlistened()
	}
	return nil
}

// accepted makes a connection of a listener a stream.
func (s *Session) accepted(id uint64, rest []byte) error {
	var a wire.Accepted
	if err := wire.Parse(rest, &a); err != nil {
		return err
	}
	l := s.listeners[a.Listener]
	if l == nil || id%2 != 0 || s.streams[id] != nil {
		return ErrProtocol
	}
	st := &Stream{s: s, id: id, window: s.window, credit: s.window}
	s.streams[id] = st
	st.handler = l.handler.Accept(st, a)
	return nil
}

// Accept lets the gateway read a connection that a listener has accepted.
func (st *Stream) Accept() {
	if st.reason == 0 {
		n := wire.Count(wire.MaxWindow)
		st.s.send(wire.OpCredit, st.id, &n)
	}
}
