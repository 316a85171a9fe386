package bridge_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"

	"porthole/gateway/bridge"
	"porthole/tcpserver/greeter"
	"porthole/wire"
	"porthole/wire/tap"
)

// watched is a bridge to a greeter whose sockets it observes.
func watched(t testing.TB, open bool) *bridge.Bridge {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := to(parseTarget(t, l.Addr().String()))
	b.Log, b.Open = &tap.Log{History: 1 << 16}, open
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = new(greeter.Server).Serve(ctx, tap.Listener(l, b.Observe)) })
	t.Cleanup(func() {
		stop()
		serving.Wait()
	})
	return b
}

// tell renders events of one side as tests compare them, in the order in which
// they happened: "write() [0,9) 哇咔咔". A call is told when it returns, and may
// have been answered by then.
func tell(events []wire.Event, side wire.Side) (lines []string) {
	events = slices.SortedStableFunc(slices.Values(events), func(a, b wire.Event) int { return cmp.Compare(a.At(), b.At()) })
	for _, e := range events {
		line := e.Kind.String()
		if e.To > 0 {
			line += fmt.Sprintf(" [%d,%d) %s", e.From, e.To, tap.Text(e.Data))
		}
		if e.Code != "" {
			line += " " + e.Code + " " + e.Syscall
		}
		if e.Side == side {
			lines = append(lines, line)
		}
	}
	return lines
}

// awaitCloses waits until both ends of the stream's connection are closed.
func (s *stream) awaitCloses() {
	s.p.t.Helper()
	at := []string{s.connected.Local, s.connected.Remote}
	s.await("both closes", func() bool {
		seen := 0
		for _, e := range s.p.events {
			if e.Kind == wire.Close && slices.Contains(at, e.Local) && slices.Contains(at, e.Remote) {
				seen++
			}
		}
		return seen == 2
	})
}

// A page sees all that both ends of its own connection did, and nothing else.
func TestEventsOfBothEnds(t *testing.T) {
	for _, isOpen := range []bool{false, true} {
		t.Run(fmt.Sprintf("open %v", isOpen), func(t *testing.T) {
			b := watched(t, isOpen)
			p := open(t, serve(t, b))
			want := []string{"events"}
			if tap.KernelTells {
				want = append(want, "kernel")
			}
			if got := p.hello.Offers; !slices.Equal(got, want) {
				t.Errorf("hello offers %q, want %q", got, want)
			}
			s := p.connect(b.Policy.Targets[0])
			s.send([]byte("哇咔咔"))
			s.receive(len("你好哇咔咔"))
			s.do(s.Stream.End)
			s.closed()
			s.awaitCloses()

			p.mu.Lock()
			defer p.mu.Unlock()
			if isOpen { // the listener's own comes first
				if p.events[0].Kind != wire.Listening {
					t.Errorf("first comes %v, want listening", p.events[0].Kind)
				}
				p.events = p.events[1:]
			}
			want = []string{"connect", "write() [0,9) 哇咔咔", "data [0,15) 你好哇咔咔", "end()", "end", "close"}
			if got := tell(p.events, wire.Client); !slices.Equal(got, want) {
				t.Errorf("the client's end:\n got %q\nwant %q", got, want)
			}
			want = []string{"connection", "data [0,9) 哇咔咔", "write() [0,15) 你好哇咔咔", "end", "end()", "close"}
			if got := tell(p.events, wire.Server); !slices.Equal(got, want) {
				t.Errorf("the server's end:\n got %q\nwant %q", got, want)
			}
			for _, e := range p.events {
				local, remote := s.connected.Local, s.connected.Remote
				if e.Side == wire.Server {
					local, remote = remote, local
				} else if e.Conn != s.connected.Conn {
					t.Errorf("%v has number %d, want %d", e.Kind, e.Conn, s.connected.Conn)
				}
				if e.Local != local || e.Remote != remote {
					t.Errorf("%v is of %s and %s, want %s and %s", e.Kind, e.Local, e.Remote, local, remote)
				}
			}
			if p.lost != 0 {
				t.Errorf("%d events are lost", p.lost)
			}
			log := history(b.Log)
			if got, want := len(log), len(p.events)+1; got != want { // and listening
				t.Errorf("the log has %d events, want %d", got, want)
			}
			for i, e := range log {
				if got, want := e.Seq, uint64(i+1); got != want {
					t.Errorf("the log's event %d has number %d", want, got)
				}
			}
		})
	}
}

// What a watched server could not tell is lost to those who see everyone's.
func TestObserveLost(t *testing.T) {
	for _, isOpen := range []bool{false, true} {
		b := &bridge.Bridge{Log: &tap.Log{}, Open: isOpen}
		p := open(t, serve(t, b))
		b.ObserveLost(5)
		s := p.dial(wire.Dial{}) // it is refused behind what was lost, which waits a little
		s.closed()
		if isOpen {
			p.await("lost", func() bool { return p.lost == 5 })
		} else if p.lost != 0 {
			t.Errorf("%d events are lost, want none", p.lost)
		}
	}
	var unwatched bridge.Bridge
	unwatched.Observe(wire.Event{Kind: wire.Listening, Side: wire.Server}) // no one sees it
	unwatched.ObserveLost(1)
}

// The events of a dial that fails, and of what a name resolves to.
func TestEventsOfFailedDials(t *testing.T) {
	nobody := absent(t)
	b := to(nobody, bridge.Target{Host: "a.localhost", Port: nobody.Port}, bridge.Target{Host: "unknown.test", Port: 7})
	b.Resolver = names(map[string]string{"a.localhost": "127.0.0.1"}).resolver(t)
	b.Log = &tap.Log{}
	p := open(t, serve(t, b))
	for _, tt := range []struct {
		target bridge.Target
		want   []string
	}{
		{nobody, []string{"error ECONNREFUSED connect", "close"}},
		{b.Policy.Targets[1], []string{"lookup", "error ECONNREFUSED connect", "close"}},
		{b.Policy.Targets[2], []string{"error ENOTFOUND getaddrinfo", "close"}},
	} {
		s := p.dial(wire.Dial{Host: tt.target.Host, Port: uint64(tt.target.Port)})
		s.closed()
		p.await("events", func() bool { return len(p.events) >= len(tt.want) })
		p.mu.Lock()
		if got := tell(p.events, wire.Client); !slices.Equal(got, tt.want) {
			t.Errorf("%v: got %q, want %q", tt.target, got, tt.want)
		}
		for _, e := range p.events {
			if e.Conn != s.failure.Conn {
				t.Errorf("%v: %v has number %d, want %d", tt.target, e.Kind, e.Conn, s.failure.Conn)
			}
		}
		p.events = nil
		p.mu.Unlock()
	}
}

// visit is another client of the greeter, past the gateway.
func visit(t *testing.T, target bridge.Target, text string) {
	t.Helper()
	c, err := net.Dial("tcp", target.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	deadline(t, c)
	write(t, c, text)
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); err != nil {
		t.Fatal(err)
	}
}

// Other people's connections are shown on an open gateway and nowhere else.
func TestEventsOfOthers(t *testing.T) {
	for _, isOpen := range []bool{false, true} {
		t.Run(fmt.Sprintf("open %v", isOpen), func(t *testing.T) {
			b := watched(t, isOpen)
			host, target := serve(t, b), b.Policy.Targets[0]
			p, other := open(t, host), open(t, host)
			visit(t, target, "past the gateway")
			theirs := other.connect(target)
			theirs.send([]byte("of another page"))
			theirs.receive(1)
			theirs.do(theirs.Stream.Close)
			theirs.closed()
			theirs.awaitCloses()
			s := p.connect(target)
			s.send([]byte("our own"))
			s.receive(1)
			s.do(s.Stream.Close)
			s.closed()
			s.awaitCloses()
			want := map[string]bool{"past the gateway": isOpen, "of another page": isOpen, "our own": true}
			p.mu.Lock()
			defer p.mu.Unlock()
			for text, want := range want {
				got := slices.ContainsFunc(p.events, func(e wire.Event) bool {
					return e.Kind == wire.Data && bytes.Contains(e.Data, []byte(text)) && e.Side == wire.Server
				})
				if got != want {
					t.Errorf("what is %s: shown %v, want %v", text, got, want)
				}
			}
			for _, e := range p.events {
				if e.Side == wire.Client && e.Conn != s.connected.Conn {
					t.Errorf("%v of another page's socket is shown", e.Kind)
				}
			}
		})
	}
}

// A burst is no reason to lose events: the page reads as fast as it can.
func TestBurstLosesNoEvents(t *testing.T) {
	b := watched(t, false)
	p := open(t, serve(t, b))
	s := p.connect(b.Policy.Targets[0])
	for range 1000 {
		s.send(bytes.Repeat([]byte("x"), wire.MaxCopy))
	}
	s.do(s.Stream.End)
	s.closed()
	s.awaitCloses()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost != 0 {
		t.Errorf("%d events are lost, and %d came", p.lost, len(p.events))
	}
}

// A page that reads too slowly is told how many events it missed; no socket is
// slowed by it.
func TestSlowPageLosesEvents(t *testing.T) {
	b := watched(t, true)
	p := open(t, serve(t, b))
	p.freeze()
	copied := bytes.Repeat([]byte("x"), wire.MaxCopy)
	for range 20_000 { // more than kernels hold
		b.Observe(wire.Event{Kind: wire.Data, Side: wire.Server, Conn: 1, To: 1, Data: copied})
	}
	visit(t, b.Policy.Targets[0], "meanwhile")
	p.thaw()
	p.await("lost", func() bool { return p.lost > 0 })
	visit(t, b.Policy.Targets[0], "the last")
	p.await("the last", func() bool { return uint64(len(p.events))+p.lost >= b.Log.Last() })
	p.mu.Lock()
	defer p.mu.Unlock()
	if got, want := uint64(len(p.events))+p.lost, b.Log.Last(); got != want {
		t.Errorf("%d events came and %d are lost, want %d in all", len(p.events), p.lost, want)
	}
}
