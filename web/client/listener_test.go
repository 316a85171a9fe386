package client_test

import (
	"testing"

	"porthole/web/client"
	"porthole/wire"
)

// hearer is the handler of a listener.
type hearer struct {
	s      *session
	stream *stream // the newest
}

func (h *hearer) Listening(local string) { h.s.tell("listening %s", local) }
func (h *hearer) Failed(f wire.Failure)  { h.s.tell("failed %s", f.Code) }
func (h *hearer) Unlistened()            { h.s.tell("unlistened") }

func (h *hearer) Accept(st *client.Stream, a wire.Accepted) client.StreamHandler {
	h.s.tell("accept %d %s", st.ID(), a.Remote)
	h.stream = &stream{Stream: st, s: h.s}
	return h.stream
}

func TestListen(t *testing.T) {
	s := open(t, 1000)
	h := &hearer{s: s}
	l := s.Listen(wire.Listen{Host: "localhost", Port: 80, Family: 4}, h)
	s.expectSent("listen 1 localhost:80 4")
	s.say(wire.OpListening, 1, &wire.Listener{Local: "127.0.0.1:80"})
	s.say(wire.OpAccepted, 2, &wire.Accepted{Listener: 1, Conn: 7, Local: "l", Remote: "r"})
	s.expectTold("listening 127.0.0.1:80", "accept 2 r")
	h.stream.Accept()
	s.data(2, "abc")
	if got := h.stream.take(9); got != "abc" {
		t.Errorf("read %q", got)
	}
	if n := h.stream.Write(make([]byte, 2000)); n != 1000 {
		t.Errorf("wrote %d, want the window", n)
	}
	s.expectSent("credit 2 2097152", `data 2 "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" of 1000`)
	s.expectTold("readable")
	l.Close()
	l.Close()
	s.expectSent("unlisten 1")
	s.say(wire.OpUnlistened, 1, nil)
	s.say(wire.OpFin, 2, nil) // it is open still
	s.expectTold("unlistened", "end")
	if err := s.Receive(wire.Append(nil, wire.OpAccepted, 4, &wire.Accepted{Listener: 1})); err != client.ErrProtocol {
		t.Errorf("a connection of no listener: %v, want %v", err, client.ErrProtocol)
	}
}

func TestListenFails(t *testing.T) {
	s := open(t, 1000)
	s.Listen(wire.Listen{}, &hearer{s: s})
	s.say(wire.OpFailed, 1, &wire.Failure{Code: "EADDRINUSE"})
	s.expectTold("failed EADDRINUSE")
}

func TestListenersEndWithTheSession(t *testing.T) {
	s := open(t, 1000)
	h := &hearer{s: s}
	s.Listen(wire.Listen{}, h)
	s.say(wire.OpAccepted, 2, &wire.Accepted{Listener: 1, Remote: "r"})
	s.Gone()
	s.expectTold("accept 2 r", "unlistened", "closed gone")
	s.Listen(wire.Listen{}, h)
	s.expectTold("unlistened")
}
