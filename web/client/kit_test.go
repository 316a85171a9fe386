package client_test

import (
	"fmt"
	"slices"
	"testing"

	"porthole/web/client"
	"porthole/wire"
)

// session is a client whose gateway is the test: it sees what is sent and says
// what is received.
type session struct {
	*client.Session
	t    *testing.T
	sent []string // since it was last asked
	told []string
}

// open opens a session whose gateway has said hello with a window.
func open(t *testing.T, window uint64) *session {
	s := &session{t: t}
	s.Session = client.NewSession(s, s)
	s.say(wire.OpHello, 0, &wire.Hello{Window: window, Message: wire.MaxMessage, Targets: []string{"localhost:1234"}})
	s.expectTold("hello localhost:1234")
	return s
}

func (s *session) Send(msg []byte) {
	op, id, rest, err := wire.ParseHead(msg)
	if err != nil {
		s.t.Fatalf("the client sends %q: %v", msg, err)
	}
	line := fmt.Sprintf("%d %d", op, id)
	switch op {
	case wire.OpData:
		line = fmt.Sprintf("data %d %.20q of %d", id, rest, len(rest))
	case wire.OpDial:
		var d wire.Dial
		s.parse(rest, &d)
		line = fmt.Sprintf("dial %d %s:%d window %d", id, d.Host, d.Port, d.Window)
	case wire.OpResolve:
		var r wire.Resolve
		s.parse(rest, &r)
		line = fmt.Sprintf("resolve %d %s %d", id, r.Host, r.Family)
	case wire.OpOption:
		var o wire.Option
		s.parse(rest, &o)
		line = fmt.Sprintf("option %d %d=%d", id, o.Name, o.Value)
	case wire.OpCredit, wire.OpClose:
		var n wire.Count
		s.parse(rest, &n)
		line = fmt.Sprintf("%s %d %d", map[wire.Op]string{wire.OpCredit: "credit", wire.OpClose: "close"}[op], id, n)
	case wire.OpLab:
		var l wire.Lab
		s.parse(rest, &l)
		line = fmt.Sprintf("lab %d %v %d", id, l.Verb, l.Value)
	case wire.OpObserve:
		var o wire.Observe
		s.parse(rest, &o)
		line = fmt.Sprintf("observe %d %d", id, o.Sample)
	case wire.OpListen:
		var l wire.Listen
		s.parse(rest, &l)
		line = fmt.Sprintf("listen %d %s:%d %d", id, l.Host, l.Port, l.Family)
	case wire.OpFin, wire.OpReset, wire.OpUnlisten:
		line = fmt.Sprintf("%s %d", map[wire.Op]string{wire.OpFin: "fin", wire.OpReset: "reset", wire.OpUnlisten: "unlisten"}[op], id)
	}
	s.sent = append(s.sent, line)
}

func (s *session) parse(rest []byte, body wire.Body) {
	s.t.Helper()
	if err := wire.Parse(rest, body); err != nil {
		s.t.Errorf("the client sends fields that cannot be read: %v", err)
	}
}

func (s *session) Close(code int, _ string) { s.sent = append(s.sent, fmt.Sprintf("CLOSE %d", code)) }

func (s *session) Hello(h wire.Hello) { s.tell("hello %s", h.Targets[0]) }
func (s *session) Event(e wire.Event) { s.tell("event %v %q", e.Kind, e.Data) }
func (s *session) Lost(n uint64)      { s.tell("lost %d", n) }

func (s *session) tell(format string, args ...any) {
	s.told = append(s.told, fmt.Sprintf(format, args...))
}

// say is a message of the gateway.
func (s *session) say(op wire.Op, id uint64, body wire.Body) {
	s.t.Helper()
	if err := s.Receive(wire.Append(nil, op, id, body)); err != nil {
		s.t.Fatalf("op %d: %v", op, err)
	}
}

func (s *session) data(id uint64, b string) {
	s.t.Helper()
	if err := s.Receive(append(wire.AppendHead(nil, wire.OpData, id), b...)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) expectSent(want ...string) { s.t.Helper(); s.expect("sent", &s.sent, want) }
func (s *session) expectTold(want ...string) { s.t.Helper(); s.expect("told", &s.told, want) }

func (s *session) expect(what string, got *[]string, want []string) {
	s.t.Helper()
	if !slices.Equal(*got, want) {
		s.t.Errorf("%s %q, want %q", what, *got, want)
	}
	*got = nil
}

// stream is a stream of a session. It reads nothing by itself, unless eager.
type stream struct {
	*client.Stream
	s     *session
	eager bool
}

func (s *session) dial() *stream {
	st := &stream{s: s}
	st.Stream = s.Dial(wire.Dial{Host: "localhost", Port: 1234}, st)
	return st
}

// connect dials, is connected and forgets how.
func (s *session) connect() *stream {
	st := s.dial()
	s.say(wire.OpConnected, 1, &wire.Connected{Conn: 7, Local: "l", Remote: "r"})
	s.sent, s.told = nil, nil
	return st
}

func (st *stream) Connected(c wire.Connected) {
	st.s.tell("connected %d %s %s", c.Conn, c.Local, c.Remote)
}
func (st *stream) Failed(f wire.Failure) { st.s.tell("failed %s", f.Code) }
func (st *stream) Wrote(n uint64)        { st.s.tell("wrote %d", n) }
func (st *stream) End()                  { st.s.tell("end") }
func (st *stream) Finished()             { st.s.tell("finished") }
func (st *stream) Error(f wire.Failure)  { st.s.tell("error %s", f.Code) }
func (st *stream) Kernel(k wire.Kernels) {
	st.s.tell("kernel %d %d", k.Client.Unsent, k.Server.Unread)
}
func (st *stream) Closed(why wire.Reason) { st.s.tell("closed %v", why) }

func (st *stream) Readable() {
	st.s.tell("readable")
	if st.eager {
		st.take(wire.Window)
	}
}

// take reads at most n bytes.
func (st *stream) take(n int) string {
	buf := make([]byte, n)
	return string(buf[:st.Read(buf)])
}

func count(n uint64) *wire.Count {
	c := wire.Count(n)
	return &c
}
