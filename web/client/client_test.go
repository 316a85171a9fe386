package client_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"porthole/web/client"
	"porthole/wire"
)

func TestLifeOfAStream(t *testing.T) {
	s := open(t, wire.Window)
	st := s.dial()
	s.expectSent("dial 1 localhost:1234 window 2097152")
	if got, want := st.Write([]byte("early")), 5; got != want {
		t.Errorf("Write took %d, want %d", got, want)
	}
	s.expectSent(`data 1 "early" of 5`)
	s.say(wire.OpConnected, 1, &wire.Connected{Conn: 7, Local: "127.0.0.1:2", Remote: "127.0.0.1:1"})
	s.expectTold("connected 7 127.0.0.1:2 127.0.0.1:1")
	s.say(wire.OpWrote, 1, count(5))
	s.expectTold("wrote 5")
	s.data(1, "answer")
	s.expectTold("readable")
	if got, want := st.take(3)+"|"+st.take(9)+"|"+st.take(9), "ans|wer|"; got != want {
		t.Errorf("read %q, want %q", got, want)
	}
	st.SetOption(wire.Option{Name: wire.OptionNoDelay, Value: 1})
	st.Stream.End()
	st.Stream.End()
	if got := st.Write([]byte("late")); got != 0 {
		t.Errorf("Write behind End took %d, want 0", got)
	}
	s.expectSent("option 1 1=1", "fin 1")
	s.say(wire.OpFinished, 1, nil)
	s.say(wire.OpFin, 1, nil)
	s.say(wire.OpClosed, 1, &wire.Closed{Reason: wire.ReasonEnded})
	s.expectTold("finished", "end", "closed ended")
	st.Stream.End()
	st.Reset()
	st.Stream.Close()
	s.expectSent()
	for _, op := range []wire.Op{wire.OpData, wire.OpFin, wire.OpClosed} {
		s.say(op, 1, count(1)) // of a stream that has ended
	}
	s.expectTold()
	s.dial()
	s.expectSent("dial 3 localhost:1234 window 2097152")
}

// The ends are told in their order, and behind the last byte.
func TestEndsWaitForTheLastByte(t *testing.T) {
	failure := &wire.Failure{Code: "ECONNRESET"}
	for _, tt := range []struct {
		name string
		ends func(s *session)
		want []string
	}{
		{"end", func(s *session) { s.say(wire.OpFin, 1, nil) }, []string{"end"}},
		{"error", func(s *session) { s.say(wire.OpError, 1, failure) }, []string{"error ECONNRESET"}},
		{"closed", func(s *session) { s.say(wire.OpClosed, 1, &wire.Closed{Reason: wire.ReasonShutdown}) }, []string{"closed shutdown"}},
		{"all", func(s *session) {
			s.say(wire.OpFin, 1, nil)
			s.say(wire.OpError, 1, failure)
			s.say(wire.OpClosed, 1, &wire.Closed{Reason: wire.ReasonError})
		}, []string{"end", "error ECONNRESET", "closed error"}},
		{"gone", func(s *session) { s.Gone() }, []string{"closed gone"}},
		{"end, then gone", func(s *session) { s.say(wire.OpFin, 1, nil); s.Gone() }, []string{"end", "closed gone"}},
		{"closed, then gone", func(s *session) {
			s.say(wire.OpClosed, 1, &wire.Closed{Reason: wire.ReasonReset})
			s.Gone()
		}, []string{"closed reset"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, wire.Window)
			s.connect()
			tt.ends(s)
			s.expectTold(tt.want...)

			s = open(t, wire.Window)
			st := s.connect()
			s.data(1, "ab")
			s.expectTold("readable")
			tt.ends(s)
			s.expectTold()
			if got := st.Buffered(); got != 2 {
				t.Errorf("%d bytes are buffered, want 2", got)
			}
			st.take(1)
			s.expectTold()
			st.take(1)
			s.expectTold(tt.want...)
			s.expectSent()
		})
	}
}

// A stream that is given up has its end too, even when that had come and was
// waiting behind bytes that no one will read.
func TestGivenUp(t *testing.T) {
	for name, give := range map[string]struct {
		up   func(st *stream)
		sent string
	}{
		"close": {func(st *stream) { st.Stream.Close() }, "close 1 1"},
		"reset": {func(st *stream) { st.Reset() }, "reset 1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, wire.Window)
			st := s.connect()
			s.data(1, "abc")
			s.expectTold("readable")
			st.take(1)
			s.say(wire.OpFin, 1, nil)
			give.up(st)
			give.up(st)
			st.Stream.End()
			s.expectSent(give.sent)
			s.data(1, "more")
			if got := st.Buffered(); got != 0 {
				t.Errorf("%d bytes are buffered, want none", got)
			}
			s.say(wire.OpClosed, 1, &wire.Closed{Reason: wire.ReasonClosed})
			s.expectTold("closed closed")
		})
		t.Run(name+", when it has ended", func(t *testing.T) {
			s := open(t, wire.Window)
			st := s.connect()
			s.data(1, "unread")
			s.expectTold("readable")
			s.say(wire.OpFin, 1, nil)
			s.say(wire.OpClosed, 1, &wire.Closed{Reason: wire.ReasonShutdown})
			s.expectTold()
			give.up(st)
			s.expectTold("closed shutdown")
			s.expectSent()
			give.up(st)
			s.expectTold()
		})
	}
}

func TestDialFails(t *testing.T) {
	s := open(t, wire.Window)
	s.dial()
	s.say(wire.OpFailed, 1, &wire.Failure{Code: "ECONNREFUSED"})
	s.say(wire.OpClosed, 1, &wire.Closed{Reason: wire.ReasonFailed})
	s.expectTold("failed ECONNREFUSED", "closed failed")
}

// What is written is what credit allows, in messages that are not too big.
func TestWriteCredit(t *testing.T) {
	const window = 100_000
	s := open(t, window)
	st := s.connect()
	if got := st.Write(nil); got != 0 {
		t.Errorf("Write of nothing took %d", got)
	}
	if got := st.Write([]byte(strings.Repeat("x", window+1))); got != window {
		t.Errorf("Write took %d, want %d", got, window)
	}
	s.expectSent(`data 1 "xxxxxxxxxxxxxxxxxxxx" of 65534`, `data 1 "xxxxxxxxxxxxxxxxxxxx" of 34466`)
	if got := st.Write([]byte("x")); got != 0 || st.Credit() != 0 {
		t.Errorf("Write without credit took %d, and %d is left", got, st.Credit())
	}
	s.say(wire.OpWrote, 1, count(10))
	if got := st.Write([]byte("0123456789ab")); got != 10 {
		t.Errorf("Write took %d, want 10", got)
	}
	s.expectSent(`data 1 "0123456789" of 10`)
	for _, n := range []uint64{window + 1, 1<<64 - 1} {
		s := open(t, window)
		st := s.connect()
		st.Write([]byte("x"))
		if err := s.Receive(wire.Append(nil, wire.OpWrote, 1, count(n))); !errors.Is(err, client.ErrProtocol) {
			t.Errorf("wrote %d of 1: %v, want %v", n, err, client.ErrProtocol)
		}
	}
}

// The gateway has credit back in quarters of the window, and only for what was
// read.
func TestReadCredit(t *testing.T) {
	const quarter = wire.MaxWindow / 4
	s := open(t, wire.Window)
	st := s.connect()
	s.data(1, strings.Repeat("x", 2*quarter))
	st.take(quarter - 1)
	s.expectSent()
	st.take(1)
	s.expectSent("credit 1 524288")
	st.take(quarter)
	s.expectSent("credit 1 524288")
	s.data(1, strings.Repeat("x", quarter))
	s.say(wire.OpClosed, 1, &wire.Closed{Reason: wire.ReasonEnded})
	st.take(quarter)
	s.expectSent() // it has ended
}

func TestTooMuchData(t *testing.T) {
	s := open(t, wire.Window)
	s.connect()
	chunk := append(wire.AppendHead(nil, wire.OpData, 1), make([]byte, wire.MaxWindow/64)...)
	for range 64 {
		if err := s.Receive(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Receive(append(wire.AppendHead(nil, wire.OpData, 1), 'x')); !errors.Is(err, client.ErrProtocol) {
		t.Errorf("data beyond the window: %v, want %v", err, client.ErrProtocol)
	}
	s.expectSent("CLOSE 4002")
}

// Within a handler, everything may be called.
func TestReadWithinReadable(t *testing.T) {
	s := open(t, wire.Window)
	st := s.connect()
	st.eager = true
	s.data(1, "abc")
	s.say(wire.OpFin, 1, nil)
	s.data(1, "")
	s.expectTold("readable", "end", "readable")
}

func TestResolve(t *testing.T) {
	s := open(t, wire.Window)
	done := func(addresses []string, f *wire.Failure) {
		if f != nil {
			s.tell("failed %s", f.Code)
		} else {
			s.tell("resolved %v", addresses)
		}
	}
	s.Resolve("localhost", 6, done)
	s.Resolve("nowhere", 0, done)
	s.Resolve("silent", 0, done)
	s.Resolve("junk", 0, done)
	s.expectSent("resolve 1 localhost 6", "resolve 3 nowhere 0", "resolve 5 silent 0", "resolve 7 junk 0")
	s.say(wire.OpFailed, 3, &wire.Failure{Code: "ENOTFOUND"})
	s.say(wire.OpResolved, 1, &wire.Resolved{Addresses: []string{"::1"}})
	s.say(wire.OpResolved, 1, &wire.Resolved{})
	s.expectTold("failed ENOTFOUND", "resolved [::1]")
	if err := s.Receive(wire.AppendHead(nil, wire.OpResolved, 7)); err == nil {
		t.Error("an answer without fields: no error")
	}
	s.expectTold()
	s.Gone()
	s.Gone()
	s.expectTold("failed ECONNRESET", "failed ECONNRESET")
}

func TestSession(t *testing.T) {
	s := open(t, wire.Window)
	msg := wire.AppendHead(nil, wire.OpEvents, 0)
	msg = wire.AppendEvent(msg, &wire.Event{Kind: wire.Connect, Side: wire.Client})
	msg = wire.AppendEvent(msg, &wire.Event{Kind: wire.Data, Side: wire.Server, Data: []byte("x")})
	if err := s.Receive(msg); err != nil {
		t.Error(err)
	}
	s.say(wire.OpLost, 0, count(9))
	s.expectTold(`event connect ""`, `event data "x"`, "lost 9")
	s.say(wire.OpListening, 2, nil) // of a later version
	s.expectTold()
	for _, msg := range []string{"", "\x10", "\x10\x00", "\x32\x00", "\x31\x00\x09"} {
		s := open(t, wire.Window)
		if err := s.Receive([]byte(msg)); err == nil {
			t.Errorf("%q: no error", msg)
		}
		s.expectSent("CLOSE 4002")
		s.expectTold()
	}
}

// A session that is gone ends what is begun on it too, and sends nothing.
func TestLab(t *testing.T) {
	s := open(t, wire.Window)
	st := s.connect()
	if got := st.ID(); got != 1 {
		t.Errorf("the first stream is %d, want 1", got)
	}
	st.Lab(wire.LabLimit, 4)
	s.Lab(wire.LabClose)
	s.Observe(100)
	s.expectSent("lab 1 limit 4", "lab 0 close 0", "observe 0 100")
	s.say(wire.OpKernel, 1, &wire.Kernels{Client: wire.Kernel{Unsent: 3}, Server: wire.Kernel{Unread: 5}})
	s.expectTold("kernel 3 5")
	s.say(wire.OpClosed, 1, &wire.Closed{Reason: wire.ReasonReset})
	s.say(wire.OpKernel, 1, &wire.Kernels{}) // of a stream that has ended
	st.Lab(wire.LabPause, 0)
	s.expectTold("closed reset")
	s.expectSent()
}

func TestAfterGone(t *testing.T) {
	s := open(t, wire.Window)
	st := s.connect()
	s.Gone()
	s.expectTold("closed gone")
	st.Write([]byte("x"))
	st.Stream.Close()
	again := &stream{s: s}
	again.Stream = s.Dial(wire.Dial{}, again)
	s.expectTold("closed gone")
	s.Resolve("localhost", 0, func(_ []string, f *wire.Failure) { s.tell("%v", f.Code) })
	s.expectTold("ECONNRESET")
	again.Stream.Close()
	s.Gone()
	s.expectSent()
	s.expectTold()
}

func TestBackoff(t *testing.T) {
	for _, tt := range []struct {
		random float64
		want   []int
	}{
		{0, []int{125, 250, 500, 1000, 2000, 4000, 5000, 5000}},
		{0.5, []int{187, 375, 750, 1500, 3000, 6000, 7500, 7500}},
		{0.999999, []int{249, 499, 999, 1999, 3999, 7999, 9999, 9999}},
	} {
		t.Run(fmt.Sprint(tt.random), func(t *testing.T) {
			var b client.Backoff
			for range 2 {
				for i, want := range tt.want {
					if got := b.Next(tt.random); got != want {
						t.Errorf("try %d: %d ms, want %d", i+1, got, want)
					}
				}
				for range 1000 {
					if got := b.Next(tt.random); got != tt.want[len(tt.want)-1] {
						t.Fatalf("a late try: %d ms", got)
					}
				}
				b.Reset()
			}
		})
	}
}
