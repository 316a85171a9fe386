package bridge_test

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
	"porthole/wire"
)

// remote makes every client one of another machine, as a proxy tells of it.
func remote(b *bridge.Bridge) http.Header {
	b.Policy.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	b.Policy.Origins = []string{"https://app.test"}
	return http.Header{"Origin": {"https://app.test"}, "X-Forwarded-For": {"192.0.2.1"}}
}

// A page that has long been silent is asked whether it is there. One that
// answers stays; one that does not is gone.
func TestSilentPages(t *testing.T) {
	for _, subprotocol := range []string{"", wire.Subprotocol} {
		t.Run("over "+subprotocol, func(t *testing.T) {
			t.Parallel()
			b := to(peer(t, echo))
			b.Limits.Ping = time.Nanosecond // at the next look
			addr := serve(t, b)
			f := frames(t, addr, subprotocol)
			if subprotocol != "" {
				f.await(opBinary) // hello
			}
			for range 2 {
				if got := f.await(opPing); got != "" {
					t.Errorf("the ping says %q, want nothing", got)
				}
				f.send(frame(true, opPong, ""))
			}
		})
		t.Run("and dead over "+subprotocol, func(t *testing.T) {
			t.Parallel()
			b := to(peer(t, echo))
			b.Limits.Ping, b.Limits.Blocked = time.Nanosecond, time.Nanosecond
			frames(t, serve(t, b), subprotocol)
			soonTrue(t, "the session is cut", func() bool { return b.Stats().Refused["silent"] == 1 && b.Stats().Sessions == 0 })
		})
	}
}

// A page that pours into a socket that takes nothing is not read, and so it is not
// for it to give a sign of life.
func TestPagesBehindAStalledServerStay(t *testing.T) {
	b := to(peer(t, deaf))
	b.Limits.Ping, b.Limits.Blocked = time.Nanosecond, time.Nanosecond
	addr := serve(t, b)
	f := frames(t, addr, "")
	poured := drip(f, frame(true, opBinary, strings.Repeat("x", 64<<20)), chunks{"at once", func(left int) int { return min(left, 1<<20) }})
	soonTrue(t, "it pours", func() bool { return b.Stats().BytesUp > 0 })
	for n := range uint64(2) {
		frames(t, addr, "") // a dead one
		soonTrue(t, "the other is cut, and no more", func() bool {
			s := b.Stats()
			return s.Refused["silent"] == n+1 && s.Sessions == 1
		})
	}
	_ = f.Close()
	<-poured
}

// await reads on to a frame, and gives its payload.
func (f *framer) await(opcode byte) string {
	f.t.Helper()
	for {
		got, payload, err := f.next()
		if err != nil {
			f.t.Fatalf("no frame %#x: %v", opcode, err)
		}
		if got == opcode {
			return string(payload)
		}
	}
}

// A page learns how much a message may have, and one with more ends the session.
func TestMessageLimit(t *testing.T) {
	const limit = 2000
	target, said := recorder(t, false)
	b := to(target)
	b.Limits.Message = limit
	addr := serve(t, b)
	p := open(t, addr)
	if got := p.hello.Message; got != limit {
		t.Errorf("hello says %d, want %d", got, limit)
	}
	text := strings.Repeat("0123456789", limit)
	s := p.dial(wire.Dial{})
	s.send([]byte(text)) // in pieces
	s.do(s.Stream.End)
	if got := said(); got != text {
		t.Errorf("the target read %d bytes, or others, want %d", len(got), len(text))
	}

	for size, want := range map[int]bool{limit: true, limit + 1: false} {
		f := frames(t, addr, wire.Subprotocol)
		f.await(opBinary) // hello
		f.send(frame(true, opBinary, skipped+strings.Repeat("x", size-len(skipped))))
		f.send(frame(true, opPing, ""))
		opcode, payload, err := f.next()
		if ok := opcode == opPong; ok != want {
			t.Errorf("a message of %d bytes: frame %#x %q, %v", size, opcode, payload, err)
		}
	}
}

// Who is too fast is held up, and loses nothing; this machine's own are not.
func TestRatesAreLimited(t *testing.T) {
	const size = 3000
	for name, tt := range map[string]struct {
		limits bridge.Limits
		least  time.Duration
	}{
		"bytes":  {bridge.Limits{Bytes: 2000}, time.Second / 2},
		"frames": {bridge.Limits{Frames: 4}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := to(peer(t, echo))
			b.Limits = tt.limits
			began := time.Now()
			ws, status, _ := knock(t, serve(t, b), remote(b))
			if ws == nil {
				t.Fatalf("status %d", status)
			}
			c := websocket.NetConn(t.Context(), ws, websocket.MessageBinary)
			text := strings.Repeat("x", size)
			wait := pour(t, c, text, chunks{"in ten", func(left int) int { return min(left, size/10) }})
			got := make([]byte, size)
			if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
				t.Errorf("got other bytes back, or %v", err)
			}
			wait()
			exchange(t, ws) // what came before is counted
			if took := time.Since(began); took < tt.least {
				t.Errorf("took %v, want no less than %v", took, tt.least)
			}
		})
	}
	t.Run("of others", func(t *testing.T) {
		b := to(peer(t, echo))
		b.Limits.Bytes, b.Limits.Frames = 0.001, 0.001
		ws, _, _ := knock(t, serve(t, b), nil)
		for range 10 {
			exchange(t, ws)
		}
	})
}

// Who is held up does not hold up the end.
func TestHeldUpPagesEnd(t *testing.T) {
	b := to(peer(t, firehose))
	b.Limits.Bytes = 1
	ws, _, _ := knock(t, serve(t, b), remote(b))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := ws.Write(ctx, websocket.MessageBinary, []byte("far more than there may be in a second")); err != nil {
		t.Fatal(err)
	}
	soonTrue(t, "it is held up", func() bool { return b.Stats().BytesDown > 0 })
	ended := make(chan error)
	go func() {
		grace, cancel := context.WithTimeout(t.Context(), promptly)
		defer cancel()
		ended <- b.Shutdown(grace)
	}()
	for {
		_, _, err := ws.Read(ctx)
		if err == nil {
			continue
		}
		if got := websocket.CloseStatus(err); got != websocket.StatusGoingAway {
			t.Errorf("ended with %v, want %v", err, websocket.StatusGoingAway)
		}
		break
	}
	if err := <-ended; err != nil {
		t.Errorf("it was cut: %v", err)
	}
}

// Near the limit of the process's memory no one else is let in, and no socket is
// opened.
func TestMemoryIsLimited(t *testing.T) {
	target := peer(t, echo)
	b := to(target)
	addr := serve(t, b)
	p := open(t, addr)
	was := debug.SetMemoryLimit(1)
	defer debug.SetMemoryLimit(was)
	if _, status, retry := knock(t, addr, nil); status != http.StatusServiceUnavailable || retry != "30" {
		t.Errorf("a new session gets %d and should come again in %q s, want 503 and 30", status, retry)
	}
	s := p.dial(wire.Dial{})
	if got := s.closed(); got != wire.ReasonFailed || s.failure.Code != "ENOMEM" || s.failure.Phase != wire.PhasePolicy {
		t.Errorf("closed %v with %+v, want %v with ENOMEM by policy", got, s.failure, wire.ReasonFailed)
	}
	wantRefused(t, b, "memory", 2)
	debug.SetMemoryLimit(was)
	ws, _, _ := knock(t, addr, nil)
	exchange(t, ws)
	p.connect(target)
}

// A dial that is given up before its turn has come was refused nothing.
func TestGivenUpBeforeItsTurn(t *testing.T) {
	b := to(peer(t, echo))
	b.Limits = bridge.Limits{Streams: 1, Dials: 1e-9, Dial: -1}
	p := open(t, serve(t, b))
	p.connect(b.Policy.Targets[0]).closeFor(wire.ReasonClosed, func(s *stream) { s.do(s.Stream.Close) })
	s := p.dial(wire.Dial{})
	s.closeFor(wire.ReasonReset, func(s *stream) { s.do(s.Stream.Reset) })
	if f := s.failure; f == nil || f.Phase == wire.PhasePolicy {
		t.Errorf("failed with %+v, want no refusal", f)
	}
	wantRefused(t, b, "dials", 0)
}
