package bridge

import (
	"net"
	"net/netip"
	"testing"
)

// The addresses that a listed host may lead to.
func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		host, addr string
		ok         bool
	}{
		// An address that is listed is meant, whatever it is; and it alone.
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "::ffff:127.0.0.1", true},
		{"127.0.0.1", "127.0.0.2", false},
		{"169.254.169.254", "169.254.169.254", true},
		{"::1", "::1", true},
		{"::1", "127.0.0.1", false},
		{"0.0.0.0", "127.0.0.1", false},
		{"10.0.0.1", "10.0.0.1", true},
		{"fe80::1", "fe80::1", true},
		{"fe80::1", "fe80::1%lo", false},

		// localhost is this machine, and not what is on its links.
		{"localhost", "127.0.0.1", true},
		{"localhost", "::1", true},
		{"localhost", "127.5.5.5", true},
		{"a.localhost", "127.0.0.1", true},
		{"notlocalhost", "127.0.0.1", false},
		{"localhost.evil.test", "127.0.0.1", false},
		{"localhost", "169.254.169.254", false},
		{"localhost", "0.0.0.0", false},

		// A name reaches what is public, and nothing that is of another kind.
		{"db.test", "93.184.215.14", true},
		{"db.test", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", true},
		{"db.test", "10.0.0.1", false},
		{"db.test", "172.16.0.1", false},
		{"db.test", "192.168.0.1", false},
		{"db.test", "100.64.0.1", false},
		{"db.test", "192.0.2.1", false},
		{"db.test", "198.18.0.1", false},
		{"db.test", "168.63.129.16", false},
		{"db.test", "fd00::1", false},
		{"db.test", "2001:db8::1", false},
		{"db.test", "64:ff9b::a00:1", false},   // NAT64 of 10.0.0.1
		{"db.test", "64:ff9b:1::a00:1", false}, // the same, for local use
		{"db.test", "2002:a00:1::1", false},    // 6to4 of it
		{"db.test", "2001:0:a00:1::1", false},  // Teredo
		{"db.test", "::10.0.0.1", false},       // the oldest of all these
		{"db.test", "::ffff:10.0.0.1", false},
		{"db.test", "127.0.0.1", false},
		{"db.test", "::ffff:127.0.0.1", false},
		{"db.test", "::1", false},
		{"db.test", "0.0.0.0", false},
		{"db.test", "::", false},
		{"db.test", "::ffff:0.0.0.0", false},
		{"db.test", "169.254.169.254", false},
		{"db.test", "::ffff:169.254.169.254", false},
		{"db.test", "fe80::1%lo", false},
		{"db.test", "224.0.0.1", false},
		{"db.test", "239.1.1.1", false},
		{"db.test", "ff02::1", false},
		{"db.test", "255.255.255.255", false},

		// But for what is listed beside it, at the port that is.
		{"db.test", "10.9.0.1", true},
		{"db.test", "10.9.255.255", true},
		{"db.test", "10.10.0.1", false},
		{"db.test", "fd09::7", true},
		{"db.test", "192.168.9.9", false}, // at another port
	} {
		target := Target{Host: tt.host, Port: 5432}
		p := Policy{Targets: []Target{target, {Host: "10.9.0.0/16", Port: 5000, Last: 6000}, {Host: "fd09::/16", Port: 5432}, {Host: "192.168.9.9", Port: 5433}}}
		if got := p.judge(target, netip.AddrPortFrom(netip.MustParseAddr(tt.addr), 5432)) == nil; got != tt.ok {
			t.Errorf("%s at %s: %v, want %v", tt.host, tt.addr, got, tt.ok)
		}
	}
}

// No name leads to the gateway itself, on whatever address of the machine: each
// such dial would be another session of it.
func TestOwnListeners(t *testing.T) {
	mine := "127.0.0.1"
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() {
			mine = p.Addr().String()
		}
	}
	for _, tt := range []struct {
		own, host, to string
		ok            bool
	}{
		{"127.0.0.1:80", "localhost", "127.0.0.1:80", false},
		{"127.0.0.1:80", "localhost", "127.0.0.1:81", true},
		{"127.0.0.1:80", "localhost", "127.0.0.2:80", true},
		{"[::ffff:127.0.0.1]:80", "localhost", "127.0.0.1:80", false},
		{"0.0.0.0:80", "localhost", "127.0.0.2:80", false},
		{"[::]:80", "localhost", "[::1]:80", false},
		{"[::]:80", "db.test", net.JoinHostPort(mine, "80"), false},
		{"[::]:80", "db.test", "93.184.215.14:80", true},
		{"127.0.0.1:80", "127.0.0.1", "127.0.0.1:80", true}, // it is listed
	} {
		to := netip.MustParseAddrPort(tt.to)
		target := Target{Host: tt.host, Port: to.Port()}
		p := Policy{Targets: []Target{target}, Own: []netip.AddrPort{netip.MustParseAddrPort(tt.own)}}
		if got := p.judge(target, to) == nil; got != tt.ok {
			t.Errorf("listening on %s, %s at %s: %v, want %v", tt.own, tt.host, tt.to, got, tt.ok)
		}
	}
}

// Where a token leads that the operator has given need not be listed: an address is
// meant, but for the gateway itself, and a name leads where any does.
func TestJudgeOfTokens(t *testing.T) {
	p := Policy{Own: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:80")}, Targets: []Target{{Host: "10.9.0.0/16", Port: 5900}}}
	for _, tt := range []struct {
		host, to string
		ok       bool
	}{
		{"127.0.0.1", "127.0.0.1:5900", true},
		{"10.0.0.1", "10.0.0.1:5900", true},
		{"10.0.0.1", "10.0.0.2:5900", false},
		{"127.0.0.1", "127.0.0.1:80", false},
		{"127.0.0.1", "[::ffff:127.0.0.1]:80", false},
		{"localhost", "127.0.0.1:5900", true},
		{"localhost", "127.0.0.1:80", false},
		{"vm.test", "93.184.215.14:5900", true},
		{"vm.test", "10.0.0.1:5900", false},
		{"vm.test", "10.9.0.1:5900", true}, // it is listed
		{"vm.test", "127.0.0.1:5900", false},
		{"vm.test", "169.254.169.254:80", false},
	} {
		to := netip.MustParseAddrPort(tt.to)
		if got := p.judge(Target{Host: tt.host, Port: to.Port()}, to) == nil; got != tt.ok {
			t.Errorf("%s at %s: %v, want %v", tt.host, tt.to, got, tt.ok)
		}
	}
}
