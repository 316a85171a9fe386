package bridge

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"unicode"
)

// What is read as a target is written as one that is read as the same, holds
// itself if it is a single one, and lets through nothing but what it lists.
func FuzzTarget(f *testing.F) {
	for _, s := range []string{
		"localhost:1234", "db.:5432", "10.0.0.0/8:1-9", "[::1]:80", "[fd00::/8]:5432-5440", "/run/s", "@abstract", "a:0",
		"[fe80::1%eth0]:1", "1.2.3.4/33:1", "http://x:1", ":1", "x:65536", "::ffff:1.2.3.4:5", "[::ffff:1.2.3.4]:5", "a b:1", "*:1",
	} {
		f.Add(s, "127.0.0.1", uint64(1234))
	}
	f.Add("localhost:1234", "LOCALHOST.", uint64(1234))
	f.Fuzz(func(t *testing.T, s, host string, port uint64) {
		target, err := ParseTarget(s)
		if err != nil {
			if target != (Target{}) {
				t.Errorf("%q: %v, and %+v", s, err, target)
			}
			return
		}
		again, err := ParseTarget(target.String())
		if err != nil || again != target {
			t.Errorf("%q is %+v, which is written %q, which is %+v, %v", s, target, target, again, err)
		}
		if target.Single() && !target.Lists(target) {
			t.Errorf("%+v does not list itself", target)
		}
		p := Policy{Targets: []Target{target}}
		found, err := p.find(host, port, nil)
		if err != nil {
			return
		}
		switch {
		case host == "" && port == 0:
			if found != target {
				t.Errorf("the default of %v is %v", target, found)
			}
		case found.Unix() || target.Unix():
			if found != target {
				t.Errorf("%v lets %v through", target, found)
			}
		case !target.hasPort(found.Port) || uint64(found.Port) != port:
			t.Errorf("%v lets port %d of %v through, for %d", target, found.Port, found, port)
		case found.Host != target.Host:
			addr, err := netip.ParseAddr(found.Host)
			if err != nil || !target.covers(addr) {
				t.Errorf("%v lets %v through", target, found)
			}
		}
	})
}

// Whatever a client writes into X-Forwarded-For, it is taken for no one but whom a
// listed proxy names.
func FuzzForwardedFor(f *testing.F) {
	f.Add("127.0.0.1", "192.0.2.1")
	f.Add("", "")
	f.Add("10.0.0.1, ::1", "::ffff:192.0.2.1")
	f.Add("192.0.2.1,,", "fe80::1%eth0")
	f.Add("0", "::%,0") // which no proxy writes
	f.Fuzz(func(t *testing.T, forged, named string) {
		p := Policy{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
		addr, err := netip.ParseAddr(named)
		r := &http.Request{RemoteAddr: "10.1.2.3:5", Header: http.Header{"X-Forwarded-For": {forged, named}}}
		got := p.Client(r)
		written := err == nil && !strings.ContainsFunc(addr.Zone(), func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
		if written && !p.trusts(addr.Unmap()) && got != addr.Unmap() {
			t.Errorf("%q, and the proxy's own %q: %v", forged, named, got)
		}
		r.RemoteAddr = "203.0.113.9:5" // no proxy
		if got := p.Client(r); got != netip.MustParseAddr("203.0.113.9") {
			t.Errorf("who is no proxy is believed: %v", got)
		}
	})
}
