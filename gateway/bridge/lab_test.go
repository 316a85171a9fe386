package bridge_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"porthole/wire"
	"porthole/wire/tap"
)

// What a page sends behind pause is read behind resume, and in one.
func TestLabPauses(t *testing.T) {
	b, h := steered(t, false)
	p := open(t, serve(t, b))
	if got := p.hello.Offers; !slices.Contains(got, "lab") || slices.Contains(got, "server") {
		t.Errorf(`hello offers %q, want "lab" and no "server"`, got)
	}
	s := p.connect(b.Policy.Targets[0])
	s.lab(wire.LabPause, 0)
	for range 5 {
		s.send([]byte("哇咔咔"))
	}
	s.await("wrote", func() bool { return s.wrote == 45 })
	s.receives(h, 45)
	s.lab(wire.LabResume, 0)
	all := strings.Repeat("哇咔咔", 5)
	if got, want := s.receive(51), "你好"+all; got != want {
		t.Errorf("read %q, want %q", got, want)
	}
	s.awaitServer(wire.CallWrite)
	s.expectServer("connection", "pause()", "resume()", "data [0,45) "+all, "write() [0,51) 你好"+all)
}

// Orders are carried out in their order: the limit is in force for the first
// read behind resume.
func TestLabLimits(t *testing.T) {
	b, h := steered(t, false)
	p := open(t, serve(t, b))
	s := p.connect(b.Policy.Targets[0])
	s.lab(wire.LabPause, 0)
	s.lab(wire.LabLimit, 4)
	s.send([]byte("你好"))
	s.await("wrote", func() bool { return s.wrote == 6 })
	s.receives(h, 6)
	s.lab(wire.LabResume, 0)
	if got, want := s.receive(18), "你好你\xe5你好\xa5\xbd"; got != want {
		t.Errorf("read %q, want %q", got, want)
	}
	s.lab(wire.LabLimit, 0)
	s.send([]byte("你好"))
	if got, want := s.receive(30)[18:], "你好你好"; got != want {
		t.Errorf("without a limit: read %q, want %q", got, want)
	}
}

func TestLabEnds(t *testing.T) {
	b, _ := steered(t, false)
	p := open(t, serve(t, b))
	s := p.connect(b.Policy.Targets[0])
	s.lab(wire.LabEnd, 0)
	s.lab(wire.LabEnd, 0) // it has
	s.await("end", func() bool { return slices.Contains(s.told, "end") })
	s.do(s.Stream.End) // the other side still can
	if got, want := s.closed(), wire.ReasonEnded; got != want {
		t.Errorf("closed %v, want %v", got, want)
	}
	s.awaitCloses()
	s.expectServer("connection", "end()", "end", "close")
}

func TestLabResets(t *testing.T) {
	b, _ := steered(t, false)
	p := open(t, serve(t, b))
	s := p.connect(b.Policy.Targets[0])
	s.lab(wire.LabPause, 0)
	s.lab(wire.LabReset, 0)
	if got, want := s.closed(), wire.ReasonError; got != want {
		t.Errorf("closed %v, want %v", got, want)
	}
	if s.failure.Code != "ECONNRESET" {
		t.Errorf("it failed with %s, want ECONNRESET", s.failure.Code)
	}
	s.awaitCloses()
	s.expectServer("connection", "pause()", "reset()", "close")
}

// A server's end that was paused is resumed when its stream has ended, however
// that was: no one else could, and it would hang for ever.
func TestLabLeavesNoOnePaused(t *testing.T) {
	for name, end := range map[string]func(s *stream){
		"close": func(s *stream) { s.do(s.Stream.Close) },
		"reset": func(s *stream) { s.do(s.Stream.Reset) },
		"gone":  func(s *stream) { s.p.vanish() },
		"leave": func(s *stream) { s.p.leave() },
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := steered(t, true)
			host := serve(t, b)
			witness, p := open(t, host), open(t, host)
			s := p.connect(b.Policy.Targets[0])
			s.lab(wire.LabPause, 0)
			s.send([]byte("x"))
			s.await("wrote", func() bool { return s.wrote == 1 })
			end(s)
			witness.await("close", func() bool {
				return slices.ContainsFunc(witness.events, func(e wire.Event) bool {
					return e.Kind == wire.Close && e.Remote == s.connected.Local
				})
			})
			witness.mu.Lock()
			defer witness.mu.Unlock()
			got := tell(witness.events, wire.Server)
			if want := []string{"listening", "connection", "pause()", "resume()"}; len(got) < 4 || !slices.Equal(got[:4], want) {
				t.Errorf("the server tells %q, want first %q", got, want)
			}
		})
	}
}

// A page steers its own connections: an id is its own, and what a server takes
// for its connection must be.
func TestLabLeavesOthersAlone(t *testing.T) {
	b, h := steered(t, true)
	host := serve(t, b)
	victim := open(t, host).connect(b.Policy.Targets[0])
	theirs := victim.connected.Local
	p := open(t, host)
	s := p.connect(b.Policy.Targets[0])
	for _, v := range []wire.Verb{wire.LabPause, wire.LabLimit, wire.LabReset} { // with the victim's id
		s.lab(v, 1)
	}
	s.closed()
	h.mu.Lock()
	h.conn = func(ctx context.Context, _ string) *tap.Conn { return h.Server.Conn(ctx, theirs) }
	h.mu.Unlock()
	next := open(t, serve(t, b)).connect(b.Policy.Targets[0])
	for v := wire.LabPause; v <= wire.LabReset; v++ {
		next.lab(v, 1)
	}
	next.send([]byte("x"))
	next.receive(len("你好x"))
	victim.send([]byte("哇咔咔"))
	victim.receive(len("你好哇咔咔"))
	victim.do(victim.Stream.End)
	victim.closed()
	want := []string{"connection", "data [0,9) 哇咔咔", "write() [0,15) 你好哇咔咔", "end", "end()", "close"}
	victim.awaitCloses()
	victim.p.mu.Lock()
	defer victim.p.mu.Unlock()
	events := slices.DeleteFunc(victim.p.events, func(e wire.Event) bool { return e.Remote != theirs })
	if got := tell(events, wire.Server); !slices.Equal(got, want) {
		t.Errorf("the victim's server end:\n got %q\nwant %q", got, want)
	}
}

// Everyone's server is not one page's to close, but where all pages are of this
// machine.
func TestLabOfTheServer(t *testing.T) {
	for _, isOpen := range []bool{false, true} {
		t.Run(fmt.Sprintf("open %v", isOpen), func(t *testing.T) {
			b, h := steered(t, isOpen)
			p := open(t, serve(t, b))
			if got := slices.Contains(p.hello.Offers, "server"); got != isOpen {
				t.Errorf(`hello offers "server": %v, want %v`, got, isOpen)
			}
			for range 3 {
				p.lab(wire.LabClose)
				p.lab(wire.LabListen)
			}
			s := p.connect(b.Policy.Targets[0])
			s.lab(wire.LabEnd, 0)
			s.await("end", func() bool { return slices.Contains(s.told, "end") }) // it is behind them
			want, refused := []string{"close", "listen", "close", "listen", "close", "listen"}, uint64(0)
			if !isOpen {
				want, refused = nil, 6
			}
			if got := b.Stats().Refused["server"]; got != refused {
				t.Errorf("%d are refused, want %d", got, refused)
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			if !slices.Equal(h.calls, want) {
				t.Errorf("the server is told %q, want %q", h.calls, want)
			}
		})
	}
}

// Without a server of ours there is nothing to steer, and that is counted.
func TestLabWithoutServer(t *testing.T) {
	b := to(peer(t, echo))
	b.Open = true
	p := open(t, serve(t, b))
	if got := p.hello.Offers; len(got) > 0 {
		t.Errorf("hello offers %q, want nothing", got)
	}
	s := p.connect(b.Policy.Targets[0])
	s.lab(wire.LabReset, 0)
	p.lab(wire.LabClose)
	p.observe(20)
	s.send([]byte("x"))
	s.receive(1)
	if got := b.Stats().Refused; got["lab"] != 1 || got["server"] != 1 {
		t.Errorf("refused are %v, want 1 lab and 1 server", got)
	}
}

// A server that takes its time holds up no stream, and what a page orders
// meanwhile is bounded.
func TestLabHoldsUpNoStream(t *testing.T) {
	b, h := steered(t, true)
	h.hold = make(chan struct{})
	p := open(t, serve(t, b))
	const orders = 1000
	for range orders {
		p.lab(wire.LabListen)
	}
	s := p.connect(b.Policy.Targets[0])
	s.send([]byte("x"))
	s.receive(len("你好x"))
	refused := b.Stats().Refused["lab"]
	if refused < orders/2 {
		t.Errorf("%d of %d orders are refused, want most", refused, orders)
	}
	close(h.hold)
	until(t, "all other orders", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return uint64(len(h.calls)) == orders-refused
	})
}

// busy is a server's connection that shuts down its side behind a write which
// takes for ever.
type busy struct {
	*net.TCPConn
	closed chan struct{}
}

func (c busy) CloseWrite() error {
	<-c.closed
	return net.ErrClosed
}

func (c busy) Close() error {
	close(c.closed)
	return c.TCPConn.Close()
}

// An end that has to wait holds up no other order.
func TestLabEndsBehindAWrite(t *testing.T) {
	target, accept := accepting(t)
	b := to(target)
	ends := make(chan *tap.Conn)
	b.Server = &theatre{conn: func(context.Context, string) *tap.Conn { return <-ends }}
	p := open(t, serve(t, b))
	s := p.connect(target)
	ends <- tap.Client(busy{accept(), make(chan struct{})}, 1, tap.Now(), func(wire.Event) {})
	s.lab(wire.LabEnd, 0)
	s.lab(wire.LabReset, 0)
	if got, want := s.closed(), wire.ReasonError; got != want {
		t.Errorf("closed %v, want %v", got, want)
	}
}

// What a page sends behind an order waits until that is carried out.
func TestLabIsBeforeWhatComesBehindIt(t *testing.T) {
	b := to(peer(t, echo))
	sought := make(chan struct{})
	b.Server = &theatre{conn: func(context.Context, string) *tap.Conn { <-sought; return nil }}
	p := open(t, serve(t, b))
	s, other := p.connect(b.Policy.Targets[0]), p.connect(b.Policy.Targets[0])
	s.lab(wire.LabPause, 0)
	s.send([]byte("x"))
	other.send([]byte("past it"))
	other.receive(len("past it"))
	p.mu.Lock()
	if s.wrote > 0 {
		t.Error("the kernel has what was sent behind pause, and no one is paused")
	}
	p.mu.Unlock()
	close(sought)
	s.receive(1)
}

// Pages that leave in the middle of it all leave nothing behind.
func TestNothingIsLeftOfTheLab(t *testing.T) {
	for range 50 {
		t.Run("", func(t *testing.T) {
			leavesNothing(t)
			b, _ := steered(t, true)
			host := serve(t, b)
			for i := range 4 {
				p := open(t, host)
				p.observe(20)
				s := p.connect(b.Policy.Targets[0])
				s.lab(wire.LabPause, 0)
				s.send([]byte("x"))
				s.lab(wire.LabEnd, 0)
				p.lab(wire.LabClose)
				if i%2 == 0 {
					p.leave()
				} else {
					p.vanish()
				}
			}
			shutdown(t, b)
		})
	}
}
