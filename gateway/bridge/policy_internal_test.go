package bridge

import (
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

		// A name reaches single hosts, private ones too.
		{"db.test", "192.0.2.1", true},
		{"db.test", "10.0.0.1", true},
		{"db.test", "192.168.0.1", true},
		{"db.test", "fd00::1", true},
		{"db.test", "2001:db8::1", true},
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
	} {
		if got := (Target{Host: tt.host, Port: 1}).judge(netip.MustParseAddr(tt.addr)) == nil; got != tt.ok {
			t.Errorf("%s at %s: %v, want %v", tt.host, tt.addr, got, tt.ok)
		}
	}
}
