package client_test

import (
	"testing"

	"porthole/web/client"
	"porthole/wire"
)

// chaos is an owner that answers each call of a handler as the fuzzer says.
type chaos struct {
	t       *testing.T
	session *client.Session
	moves   []byte
	streams []*ride
	sent    int
}

// ride is one stream of chaos, and how far it has come.
type ride struct {
	*client.Stream
	c      *chaos
	ended  bool
	closed int
}

func (c *chaos) Send(msg []byte) {
	c.sent += len(msg)
	if len(msg) < 2 || len(msg) > wire.MaxMessage {
		c.t.Errorf("a message of %d bytes is sent", len(msg))
	}
}

func (c *chaos) Close(int, string) {}
func (c *chaos) Hello(wire.Hello)  { c.move() }
func (c *chaos) Event(wire.Event)  { c.move() }
func (c *chaos) Lost(uint64)       { c.move() }

// move does one thing, from within whatever called it.
func (c *chaos) move() {
	if len(c.moves) == 0 {
		return
	}
	move := c.moves[0]
	c.moves = c.moves[1:]
	if move%8 == 0 && len(c.streams) < 100 {
		c.dial()
		return
	}
	if len(c.streams) == 0 {
		return
	}
	r := c.streams[int(move/8)%len(c.streams)]
	if r.Stream == nil {
		return // Dial has not returned yet
	}
	switch move % 8 {
	case 1:
		r.Read(make([]byte, int(move)*int(move)))
	case 2:
		r.Write(make([]byte, int(move)*int(move)))
	case 3:
		r.Stream.End()
	case 4:
		r.Reset()
	case 5:
		r.Stream.Close()
	case 6:
		r.SetOption(wire.Option{Name: wire.OptionName(move), Value: 1})
	case 7:
		c.session.Resolve("h", 0, func([]string, *wire.Failure) { c.move() })
	}
}

func (c *chaos) dial() {
	r := &ride{c: c}
	c.streams = append(c.streams, r)
	r.Stream = c.session.Dial(wire.Dial{}, r)
}

func (r *ride) told(what string) {
	if r.closed > 0 {
		r.c.t.Errorf("%s behind closed", what)
	}
	r.c.move()
}

func (r *ride) Connected(wire.Connected) { r.told("connected") }
func (r *ride) Failed(wire.Failure)      { r.told("failed") }
func (r *ride) Readable()                { r.told("readable") }
func (r *ride) Wrote(uint64)             { r.told("wrote") }
func (r *ride) Kernel(wire.Kernels)      { r.told("kernel") }
func (r *ride) Finished()                { r.told("finished") }
func (r *ride) Error(wire.Failure)       { r.told("error") }

func (r *ride) End() {
	if r.ended {
		r.c.t.Error("end twice")
	}
	r.ended = true
	r.told("end")
}

func (r *ride) Closed(wire.Reason) {
	r.told("closed")
	r.closed++
}

// FuzzReceive gives the client messages of a gateway gone mad and an owner that
// does anything at any time. Nothing panics; what the client sends is sound; and
// every stream that is not left unread is closed once, and last.
func FuzzReceive(f *testing.F) {
	add := func(moves string, messages ...[]byte) {
		var in []byte
		for _, m := range messages {
			in = append(append(in, byte(len(m)), byte(len(m)>>8)), m...)
		}
		f.Add([]byte(moves), in)
	}
	add("")
	add("\x00\x00\x01\x02\x03", wire.Append(nil, wire.OpHello, 0, &wire.Hello{Window: 1000, Message: wire.MaxMessage, Targets: []string{"a:1"}}))
	add("\x00\x08\x01\x05",
		wire.Append(nil, wire.OpConnected, 1, &wire.Connected{Conn: 1, Local: "l", Remote: "r"}),
		append(wire.AppendHead(nil, wire.OpData, 1), "hello"...),
		wire.Append(nil, wire.OpWrote, 1, count(1)),
		wire.AppendHead(nil, wire.OpFin, 1),
		wire.Append(nil, wire.OpError, 1, &wire.Failure{Code: "EPIPE"}),
		wire.Append(nil, wire.OpClosed, 1, &wire.Closed{Reason: wire.ReasonEnded}))
	add("\x07\x07\x00\x05",
		wire.Append(nil, wire.OpResolved, 1, &wire.Resolved{Addresses: []string{"::1"}}),
		wire.Append(nil, wire.OpFailed, 3, &wire.Failure{Code: "ENOTFOUND"}),
		wire.AppendEvent(wire.AppendHead(nil, wire.OpEvents, 0), &wire.Event{Kind: wire.Data, Data: []byte("x")}),
		wire.Append(nil, wire.OpLost, 0, count(2)))
	f.Fuzz(func(t *testing.T, moves, in []byte) {
		c := &chaos{t: t, moves: moves}
		c.session = client.NewSession(c, c)
		c.dial()
		for len(in) >= 2 {
			n := min(int(in[0])|int(in[1])<<8, len(in)-2)
			msg := in[2 : 2+n]
			in = in[2+n:]
			if c.session.Receive(msg) != nil {
				break
			}
		}
		c.session.Gone()
		for _, r := range c.streams {
			for r.Read(make([]byte, 64<<10)) > 0 {
			}
			if r.closed != 1 {
				t.Errorf("a stream is closed %d times, want once", r.closed)
			}
		}
	})
}
