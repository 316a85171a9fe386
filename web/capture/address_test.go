package capture

import (
	"bytes"
	"net/netip"
	"testing"
)

// What package net/netip takes for an address of a socket, we read as it does.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{
		"127.0.0.1:1234", "[::1]:5", "[fe80::1%eth0]:80", "[::]:0", "[1:2:3:4:5:6:7:8]:9", "[1::8]:9", "[::ffff:1.2.3.4]:65535",
		"[2001:db8::]:1", "/tmp/socket", "@0000a", "", "1.2.3:4", "1.2.3.4:65536", "[1:2]:3", "[::1", ":5",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := netip.ParseAddrPort(s)
		got := parseAddress(s)
		if err != nil {
			return // a kernel writes no such thing: whatever we take it for
		}
		if !bytes.Equal(got.ip, want.Addr().AsSlice()) || got.port != want.Port() {
			t.Errorf("%q: %v:%d, want %v", s, got.ip, got.port, want)
		}
	})
}
