package bridge_test

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"porthole/gateway/bridge"
	"porthole/wire"
)

func TestHello(t *testing.T) {
	b := to(bridge.Target{Host: "localhost", Port: 1234}, bridge.Target{Host: "::1", Port: 1}, bridge.Target{Host: "/run/s"})
	k := talk(t, serve(t, b))
	want := wire.Hello{
		Window: wire.Window, Message: wire.MaxMessage, Streams: 256, Copy: wire.MaxCopy,
		Targets: []string{"localhost:1234", "[::1]:1", "/run/s"}, Offers: []string{},
	}
	if got := k.hello; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestGreeting(t *testing.T) {
	p := open(t, serve(t, to(peer(t, greet))))
	s := p.dial(wire.Dial{}) // the default target
	s.send([]byte("哇咔咔"))    // before it is connected
	want := "你好哇咔咔"
	if got := s.receive(len(want)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.await("wrote", func() bool { return s.wrote == uint64(len("哇咔咔")) })
}

func TestConnectedTellsTheKernelsAddresses(t *testing.T) {
	target, accept := accepting(t)
	p := open(t, serve(t, to(target)))
	s := p.connect(target)
	c := accept()
	if got, want := s.connected.Local, c.RemoteAddr().String(); got != want {
		t.Errorf("local %s, want %s", got, want)
	}
	if got, want := s.connected.Remote, c.LocalAddr().String(); got != want {
		t.Errorf("remote %s, want %s", got, want)
	}
	if again := p.connect(target); again.connected.Conn == s.connected.Conn {
		t.Errorf("two connections have the number %d", s.connected.Conn)
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	target := bridge.Target{Host: path}
	p := open(t, serve(t, to(target)))
	s := p.connect(target)
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	deadline(t, c)
	s.send([]byte("ping"))
	if got, want := read(t, c, 4), "ping"; got != want {
		t.Errorf("the peer read %q, want %q", got, want)
	}
	write(t, c, "pong")
	if got, want := s.receive(4), "pong"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.do(s.Stream.End)
	if err := ending(c); err != nil {
		t.Errorf("the peer ends with %v, want FIN", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := s.closed(), wire.ReasonEnded; got != want {
		t.Errorf("closed %v, want %v", got, want)
	}
	if got := s.connected.Remote; got != path {
		t.Errorf("remote %q, want %q", got, path)
	}
}

func TestUnixSocketIsAbsent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	p := open(t, serve(t, to(bridge.Target{Host: path})))
	s := p.dial(wire.Dial{Host: path})
	s.closed()
	if f := s.failure; f.Code != "ENOENT" || f.Phase != wire.PhaseDial || f.Address != path {
		t.Errorf("got %+v, want ENOENT of %s", f, path)
	}
}

func TestResolveThenDial(t *testing.T) {
	target, accept := accepting(t)
	b := to(bridge.Target{Host: "server.localhost", Port: target.Port})
	b.Resolver = names(map[string]string{"server.localhost": "127.0.0.1", "other.test": "127.0.0.1"}).resolver(t)
	p := open(t, serve(t, b))
	port := uint64(target.Port)

	early := p.dial(wire.Dial{Host: "server.localhost", Address: "127.0.0.1", Port: port})
	if early.closed(); early.failure.Code != "EACCES" {
		t.Errorf("an address that was not resolved: %+v, want EACCES", early.failure)
	}
	for _, tt := range []struct {
		host   string
		family int
		want   string // addresses, or a code
	}{
		{"other.test", 0, "EACCES getaddrinfo"},
		{"127.0.0.1", 0, "EACCES getaddrinfo"},
		{"", 0, "EACCES getaddrinfo"},
		{"server.localhost", 0, "127.0.0.1"},
		{"Server.LocalHost.", 4, "127.0.0.1"},
		{"server.localhost", 6, "ENOTFOUND getaddrinfo"},
		{"server.localhost", 4, "127.0.0.1"},
	} {
		addrs, f := p.resolve(tt.host, tt.family)
		got := strings.Join(addrs, " ")
		if f != nil {
			got = f.Code + " " + f.Syscall
		}
		if got != tt.want {
			t.Errorf("resolve %q %d: %q, want %q", tt.host, tt.family, got, tt.want)
		}
	}
	for _, d := range []wire.Dial{
		{Host: "server.localhost", Address: "127.0.0.1", Port: port},
		{Host: "server.localhost", Address: "::ffff:127.0.0.1", Port: port},
		{Host: "SERVER.localhost.", Address: "127.0.0.1", Port: port},
	} {
		s := p.dial(d)
		s.await("connected", func() bool { return s.connected != nil })
		accept()
	}
	other := open(t, p.host)
	s := other.dial(wire.Dial{Host: "server.localhost", Address: "127.0.0.1", Port: port})
	if s.closed(); s.failure.Code != "EACCES" {
		t.Errorf("an address that another session resolved: %+v, want EACCES", s.failure)
	}
}

// A name whose server answers each time with another address: who has asked before
// may dial still what it was told.
func TestResolveAgainThenDial(t *testing.T) {
	target, accept := accepting(t)
	b := to(bridge.Target{Host: "server.localhost", Port: target.Port})
	answers := []string{"127.0.0.1", "127.0.0.2"}
	var turn atomic.Int32
	b.Resolver = zone(func(string) []netip.Addr {
		return []netip.Addr{netip.MustParseAddr(answers[turn.Load()])}
	}).resolver(t)
	p := open(t, serve(t, b))
	for i, want := range answers {
		turn.Store(int32(i))
		if got, f := p.resolve("server.localhost", 4); len(got) != 1 || got[0] != want {
			t.Fatalf("resolved %q, %+v, want %s", got, f, want)
		}
	}
	s := p.dial(wire.Dial{Host: "server.localhost", Address: answers[0], Port: uint64(target.Port)})
	s.await("connected", func() bool { return s.connected != nil })
	accept()
}

func TestDialFails(t *testing.T) {
	nobody := absent(t)
	unlisted := absent(t)
	b := to(nobody, bridge.Target{Host: "unknown.test", Port: 7}, bridge.Target{Host: "both.localhost", Port: nobody.Port})
	b.Resolver = zone(func(name string) []netip.Addr {
		if name == "both.localhost" {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")}
		}
		return nil
	}).resolver(t)
	p := open(t, serve(t, b))
	port := uint64(nobody.Port)
	for _, tt := range []struct {
		name string
		dial wire.Dial
		want wire.Failure
	}{
		{"no one listens", wire.Dial{}, wire.Failure{Phase: wire.PhaseDial, Code: "ECONNREFUSED", Errno: 111, Syscall: "connect", Address: "127.0.0.1", Port: port}},
		{"at no address", wire.Dial{Host: "both.localhost", Port: port},
			wire.Failure{Phase: wire.PhaseDial, Code: "ECONNREFUSED", Errno: 111, Syscall: "connect", Address: "127.0.0.1", Port: port}},
		{"no such name", wire.Dial{Host: "unknown.test", Port: 7},
			wire.Failure{Phase: wire.PhaseResolve, Code: "ENOTFOUND", Errno: 3008, Syscall: "getaddrinfo", Address: "unknown.test", Port: 7}},
		{"not listed", wire.Dial{Host: "127.0.0.1", Port: uint64(unlisted.Port)},
			wire.Failure{Phase: wire.PhasePolicy, Code: "EACCES", Errno: 13, Syscall: "connect", Address: "127.0.0.1", Port: uint64(unlisted.Port)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := p.dial(tt.dial)
			if got, want := s.closed(), wire.ReasonFailed; got != want {
				t.Errorf("closed %v, want %v", got, want)
			}
			got := *s.failure
			if numbered := got.Conn != 0; numbered != (tt.want.Phase != wire.PhasePolicy) {
				t.Errorf("conn %d", got.Conn)
			}
			got.Millis, got.Conn = 0, 0
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if want := []string{"failed " + tt.want.Code, "closed failed"}; !slices.Equal(s.told, want) {
				t.Errorf("told %q, want %q", s.told, want)
			}
		})
	}
}

// A name with several addresses is tried at each.
func TestDialTriesEachAddress(t *testing.T) {
	server := peer(t, greet)
	b := to(bridge.Target{Host: "both.localhost", Port: server.Port})
	b.Resolver = zone(func(name string) []netip.Addr {
		return []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1")}
	}).resolver(t)
	p := open(t, serve(t, b))
	s := p.dial(wire.Dial{})
	s.send([]byte("x"))
	s.receive(1)
	if got, want := s.connected.Remote, server.String(); got != want {
		t.Errorf("connected to %s, want %s", got, want)
	}
}

func TestTooManyStreams(t *testing.T) {
	server := peer(t, echo)
	b := to(server)
	p := open(t, serve(t, b))
	var last *stream
	for range p.hello.Streams {
		last = p.connect(server)
	}
	over := p.dial(wire.Dial{})
	if got, want := over.closed(), wire.ReasonFailed; got != want || over.failure.Code != "EMFILE" {
		t.Errorf("closed %v with %+v, want %v with EMFILE", got, over.failure, want)
	}
	if _, f := p.resolve("127.0.0.1", 0); f == nil || f.Code != "EMFILE" {
		t.Errorf("resolve: %+v, want EMFILE", f)
	}
	if got := b.Stats().Refused["streams"]; got != 2 {
		t.Errorf("%d refusals counted, want 2", got)
	}
	if got, want := b.Stats(), 256; got.Streams != want || got.Sessions != 1 {
		t.Errorf("%d streams in %d sessions, want %d in 1", got.Streams, got.Sessions, want)
	}
	last.do(last.Close)
	last.closed()
	p.connect(server)
}
