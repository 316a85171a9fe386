package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"
	"testing"

	"porthole/gateway/bridge"
	"porthole/wire"
	"porthole/wire/tap"
)

//lint:file-ignore SA1019 the library is the project's choice, here for its client

// Every way for a connected stream to end: what the page is told, and how the
// peer sees it.
func TestEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		act  func(t *testing.T, s *stream, c *net.TCPConn)
		told []string // behind connected
		peer error    // nil for FIN
	}{
		{"FIN, the page first", func(t *testing.T, s *stream, c *net.TCPConn) {
			s.send([]byte("last words"))
			s.do(s.Stream.End)
			if got, want := read(t, c, 10), "last words"; got != want {
				t.Errorf("the peer read %q, want %q", got, want)
			}
			if err := ending(c); err != nil {
				t.Errorf("the peer's read ends with %v, want FIN", err)
			}
			s.await("finished", func() bool { return slices.Contains(s.told, "finished") })
			write(t, c, "a reply")
			closeWrite(t, c)
			s.closed()
			if got, want := s.receive(7), "a reply"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}, []string{"finished", "end", "closed ended"}, nil},

		{"FIN, the peer first", func(t *testing.T, s *stream, c *net.TCPConn) {
			write(t, c, "last words")
			closeWrite(t, c)
			s.await("end", func() bool { return slices.Contains(s.told, "end") })
			if got, want := s.receive(10), "last words"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			s.send([]byte("a reply"))
			s.do(s.Stream.End)
			if got, want := read(t, c, 7), "a reply"; got != want {
				t.Errorf("the peer read %q, want %q", got, want)
			}
		}, []string{"end", "finished", "closed ended"}, nil},

		{"closed", func(t *testing.T, s *stream, c *net.TCPConn) {
			s.send([]byte("ping"))
			read(t, c, 4)
			s.await("wrote", func() bool { return s.wrote == 4 })
			write(t, c, "pong")
			s.receive(4)
			s.do(s.Stream.Close)
		}, []string{"closed closed"}, nil},

		{"closed behind fin", func(t *testing.T, s *stream, c *net.TCPConn) {
			s.do(s.Stream.End)
			s.await("finished", func() bool { return slices.Contains(s.told, "finished") })
			s.do(s.Stream.Close)
		}, []string{"finished", "closed closed"}, nil},

		{"closed with bytes unread", func(t *testing.T, s *stream, c *net.TCPConn) {
			s.do(func() { s.paused = true })
			write(t, c, "unread")
			s.await("bytes", func() bool { return s.Buffered() == 6 })
			s.do(s.Stream.Close)
		}, []string{"closed closed"}, syscall.ECONNRESET},

		{"closed with bytes unread behind FIN", func(t *testing.T, s *stream, c *net.TCPConn) {
			s.do(func() { s.paused = true })
			write(t, c, "unread")
			closeWrite(t, c)
			s.await("bytes", func() bool { return s.Buffered() == 6 })
			s.do(s.Stream.Close)
		}, []string{"closed closed"}, syscall.ECONNRESET},

		{"reset", func(t *testing.T, s *stream, c *net.TCPConn) {
			s.do(s.Stream.Reset)
		}, []string{"closed reset"}, syscall.ECONNRESET},

		{"reset behind the peer's FIN", func(t *testing.T, s *stream, c *net.TCPConn) {
			closeWrite(t, c)
			s.await("end", func() bool { return slices.Contains(s.told, "end") })
			s.do(s.Stream.Reset)
		}, []string{"end", "closed reset"}, syscall.ECONNRESET},

		{"the peer resets", func(t *testing.T, s *stream, c *net.TCPConn) {
			write(t, c, "last words")
			s.receive(10)
			reset(t, c)
			s.closed()
			if f := *s.failure; f.Phase != wire.PhaseRead || f.Errno != 104 || f.Syscall != "read" || f.Port == 0 || f.Address != "127.0.0.1" {
				t.Errorf("got %+v, want ECONNRESET of read from the peer's address", f)
			}
		}, []string{"error ECONNRESET", "closed error"}, net.ErrClosed},

		{"the peer is closed with bytes unread", func(t *testing.T, s *stream, c *net.TCPConn) {
			s.send([]byte("unread"))
			s.await("wrote", func() bool { return s.wrote == 6 })
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}, []string{"error ECONNRESET", "closed error"}, net.ErrClosed},

		{"the page is gone", func(t *testing.T, s *stream, c *net.TCPConn) {
			s.p.leave()
		}, []string{"closed gone"}, nil},

		{"the page's machine is gone", func(t *testing.T, s *stream, c *net.TCPConn) {
			_ = s.p.ws.CloseNow() // its reader may still be busy
		}, []string{"closed gone"}, nil},

		{"the gateway leaves", func(t *testing.T, s *stream, c *net.TCPConn) {
			shutdown(t, s.p.bridge)
		}, []string{"closed shutdown"}, nil},
	} {
		for _, observed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/observed %v", tt.name, observed), func(t *testing.T) {
				target, accept := accepting(t)
				b := to(target)
				if observed {
					b.Log = &tap.Log{}
				}
				p := open(t, serve(t, b))
				p.bridge = b
				s := p.connect(target)
				c := accept()
				tt.act(t, s, c)
				if err := ending(c); !errors.Is(err, tt.peer) {
					t.Errorf("the peer ends with %v, want %v", err, tt.peer)
				}
				s.closed()
				if got, want := s.told, append([]string{"connected"}, tt.told...); !slices.Equal(got, want) {
					t.Errorf("told %q, want %q", got, want)
				}
			})
		}
	}
}

func closeWrite(t *testing.T, c *net.TCPConn) {
	t.Helper()
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

// A dial that is under way ends for whatever ends it.
func TestEndsWhileDialling(t *testing.T) {
	for _, tt := range []struct {
		name string
		act  func(s *stream)
		want wire.Reason
	}{
		{"closed", func(s *stream) { s.do(s.Stream.Close) }, wire.ReasonClosed},
		{"reset", func(s *stream) { s.do(s.Stream.Reset) }, wire.ReasonReset},
		{"fin, then closed", func(s *stream) { s.do(s.Stream.End); s.do(s.Stream.Close) }, wire.ReasonClosed},
		{"the page is gone", func(s *stream) { s.p.leave() }, wire.ReasonGone},
		{"the gateway leaves", func(s *stream) { shutdown(s.p.t, s.p.bridge) }, wire.ReasonShutdown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, asked := silent(t)
			p := open(t, serve(t, b))
			p.bridge = b
			s := p.dial(wire.Dial{})
			<-asked
			tt.act(s)
			if got := s.closed(); got != tt.want {
				t.Errorf("closed %v, want %v", got, tt.want)
			}
			if tt.want != wire.ReasonGone && s.failure.Phase != wire.PhaseResolve {
				t.Errorf("failed with %+v, want phase resolve", s.failure)
			}
		})
	}
}

// silent is a bridge whose resolver takes questions and never answers.
func silent(t *testing.T) (*bridge.Bridge, <-chan struct{}) {
	b := to(bridge.Target{Host: "silent.test", Port: 1})
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	asked := make(chan struct{}, 1000) // lookups that no one awaits
	b.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		asked <- struct{}{}
		<-over
		return nil, errors.New("the test is over")
	}}
	return b, asked
}

// However many dials are under way, a goodbye is the reason of all.
func TestShutdownIsTheReasonOfEachDial(t *testing.T) {
	b, asked := silent(t)
	p := open(t, serve(t, b))
	streams := make([]*stream, p.hello.Streams)
	for i := range streams {
		streams[i] = p.dial(wire.Dial{})
	}
	<-asked
	if _, f := p.resolve("silent.test", 0); f.Code != "EMFILE" { // it comes behind the dials
		t.Errorf("resolve: %+v, want EMFILE", f)
	}
	shutdown(t, b)
	for _, s := range streams {
		if got, want := s.closed(), wire.ReasonShutdown; got != want {
			t.Errorf("closed %v, want %v", got, want)
		}
	}
	if code, reason := p.status(); code != 1001 {
		t.Errorf("close code %d %s, want 1001", code, reason)
	}
}
