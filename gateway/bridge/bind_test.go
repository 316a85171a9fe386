package bridge_test

import (
	"net"
	"net/netip"
	"runtime"
	"testing"

	"porthole/gateway/bridge"
	"porthole/wire"
)

// A page may choose where its end of a socket is to be: where it may listen, and
// nowhere else.
func TestLocalAddress(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere 127.0.0.1 is the only loopback")
	}
	target := peer(t, echo)
	b := to(target)
	b.Policy.Listen = []bridge.Target{{Host: "127.0.0.0/8", Port: 1024, Last: 65535}}
	p := open(t, serve(t, b))
	dial := func(local string, port uint16) *stream {
		return p.dial(wire.Dial{Host: target.Host, Port: uint64(target.Port), Local: local, LocalPort: uint64(port)})
	}
	connects := func(local string, port uint16) netip.AddrPort {
		t.Helper()
		s := dial(local, port)
		s.await("connected", func() bool { return s.connected != nil })
		return netip.MustParseAddrPort(s.connected.Local)
	}
	fails := func(local string, port uint16, code, syscall string) {
		t.Helper()
		s := dial(local, port)
		if got, want := s.closed(), wire.ReasonFailed; got != want {
			t.Fatalf("from %s port %d: closed %v, want %v", local, port, got, want)
		}
		if s.failure.Code != code || s.failure.Syscall != syscall {
			t.Errorf("from %s port %d: %+v, want %s of %s", local, port, *s.failure, code, syscall)
		}
	}

	if got := connects("127.0.0.2", 0).Addr().String(); got != "127.0.0.2" {
		t.Errorf("our end is at %s, want 127.0.0.2", got)
	}
	taken := connects("localhost", 0)
	fails(taken.Addr().String(), taken.Port(), "EADDRNOTAVAIL", "connect") // there is such a connection
	fails("127.0.0.1", target.Port, "EADDRINUSE", "bind")                  // someone listens
	free := unusedPort(t)
	if got := connects("", free); got.Port() != free {
		t.Errorf("our end is at %v, want port %d", got, free)
	}
	fails("127.0.0.1", 80, "EACCES", "bind")
	fails("192.0.2.1", 0, "EACCES", "bind")
	fails("nowhere.test", 0, "EACCES", "bind")
	if got := b.Stats().Refused["bind"]; got != 3 {
		t.Errorf("%d are counted as refused, want 3", got)
	}
}

// Where pages may not listen, they choose no address.
func TestNoLocalAddress(t *testing.T) {
	target := peer(t, echo)
	p := open(t, serve(t, to(target)))
	s := p.dial(wire.Dial{Host: target.Host, Port: uint64(target.Port), Local: "127.0.0.1"})
	if s.closed(); s.failure.Code != "EACCES" {
		t.Errorf("%+v, want EACCES", *s.failure)
	}
}

func unusedPort(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}
