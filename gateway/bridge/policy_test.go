package bridge_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"porthole/gateway/bridge"
	"porthole/wire"
)

// ask asks for an upgrade, and gives the status and what was chosen or said.
func ask(t *testing.T, addr, host string, header http.Header) (status int, protocol, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
		r.Header.Set(k, v)
	}
	for k, v := range header {
		r.Header[http.CanonicalHeaderKey(k)] = v
	}
	resp, err := wsClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		text = strings.TrimSpace(string(b))
	}
	return resp.StatusCode, resp.Header.Get("Sec-WebSocket-Protocol"), text
}

// from has the requests come from an address.
func from(addr string) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.RemoteAddr = addr
			h.ServeHTTP(w, r)
		})
	}
}

// overTLS has the requests come as if over TLS.
func overTLS(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.TLS = &tls.ConnectionState{}
		h.ServeHTTP(w, r)
	})
}

func TestHost(t *testing.T) {
	b := &bridge.Bridge{Policy: bridge.Policy{Hosts: []string{"gateway.test", "Mixed.test"}}}
	addr := serve(t, b)
	refused := uint64(0)
	for host, want := range map[string]int{
		"localhost":            101,
		"LocalHost:8080":       101,
		"127.0.0.1:8080":       101,
		"192.0.2.7":            101, // an address: no name was rebound
		"[::1]:8080":           101,
		"[::1]":                101,
		"gateway.test":         101,
		"GATEWAY.test:8080":    101,
		"mixed.test":           101,
		"rebound.test":         421,
		"rebound.test:8080":    421,
		"127.0.0.1.nip.test":   421,
		"localhost.evil.test":  421,
		"evil-gateway.test":    421,
		"a.gateway.test":       421,
		"gateway.test.":        421,
		"2130706433":           421, // 127.0.0.1 to some, a name to us
		"127.1":                421,
		"localhost:80:80":      421,
		"gateway.test:80:8080": 421,
	} {
		t.Run(host, func(t *testing.T) {
			got, _, text := ask(t, addr, host, nil)
			if got != want {
				t.Errorf("status %d, want %d", got, want)
			}
			if got == 421 && text != bridge.ErrHost.Error() {
				t.Errorf("says %q, want %q", text, bridge.ErrHost)
			}
		})
		if want == 421 {
			refused++
		}
	}
	if got := b.Stats().Refused["host"]; got != refused {
		t.Errorf("%d refusals counted, want %d", got, refused)
	}
}

func TestOrigin(t *testing.T) {
	const host = "127.0.0.1:8080"
	policy := bridge.Policy{Hosts: []string{"gateway.test"}, Origins: []string{"https://app.test", "http://app.test:81"}}
	elsewhere := []func(http.Handler) http.Handler{from("192.0.2.1:5")}
	for _, tt := range []struct {
		name    string
		host    string
		through []func(http.Handler) http.Handler
		origins []string
		want    int
	}{
		{"own", host, nil, []string{"http://127.0.0.1:8080"}, 101},
		{"own, by name", "GateWay.test", elsewhere, []string{"http://gateway.test"}, 101},
		{"own, over TLS", "gateway.test", []func(http.Handler) http.Handler{overTLS}, []string{"https://gateway.test"}, 101},
		{"other port", host, nil, []string{"http://127.0.0.1:8081"}, 403},
		{"no port", host, nil, []string{"http://127.0.0.1"}, 403},
		{"other scheme", host, nil, []string{"https://127.0.0.1:8080"}, 403},
		{"other scheme, over TLS", "gateway.test", []func(http.Handler) http.Handler{overTLS}, []string{"http://gateway.test"}, 403},
		{"other name of ours", host, nil, []string{"http://localhost:8080"}, 403},
		{"other site", host, nil, []string{"http://evil.test"}, 403},
		{"other site that starts alike", host, nil, []string{"http://127.0.0.1:8080.evil.test"}, 403},
		{"null", host, nil, []string{"null"}, 403},
		{"empty", host, nil, []string{""}, 403},
		{"junk", host, nil, []string{"http://%zz"}, 403},
		{"a list in one", host, nil, []string{"http://127.0.0.1:8080 http://evil.test"}, 403},
		{"two, the first ours", host, nil, []string{"http://127.0.0.1:8080", "http://evil.test"}, 403},
		{"two, both ours", host, nil, []string{"http://127.0.0.1:8080", "http://127.0.0.1:8080"}, 403},
		{"listed", host, elsewhere, []string{"https://app.test"}, 101},
		{"listed, other case", host, nil, []string{"HTTPS://App.test"}, 101},
		{"listed, with its port", host, nil, []string{"http://app.test:81"}, 101},
		{"listed, other scheme", host, nil, []string{"http://app.test"}, 403},
		{"listed, other port", host, nil, []string{"https://app.test:444"}, 403},
		{"below a listed one", host, nil, []string{"https://a.app.test"}, 403},
		{"extension", host, nil, []string{"chrome-extension://abcdef"}, 403},
		{"none from loopback", host, nil, nil, 101},
		{"none from loopback, over IPv6", host, []func(http.Handler) http.Handler{from("[::1]:5")}, nil, 101},
		{"none from loopback, mapped", host, []func(http.Handler) http.Handler{from("[::ffff:127.0.0.1]:5")}, nil, 101},
		{"none from elsewhere", host, elsewhere, nil, 403},
		{"none from no address", host, []func(http.Handler) http.Handler{from("@")}, nil, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := &bridge.Bridge{Policy: policy}
			got, _, text := ask(t, serve(t, b, tt.through...), tt.host, http.Header{"Origin": tt.origins})
			if got != tt.want {
				t.Errorf("status %d, want %d", got, tt.want)
			}
			refused := b.Stats().Refused["origin"]
			if want := uint64(0); got == 101 && refused != want {
				t.Errorf("%d refusals counted, want %d", refused, want)
			}
			if got == 403 && (refused != 1 || text != bridge.ErrOrigin.Error()) {
				t.Errorf("says %q and counts %d, want %q and 1", text, refused, bridge.ErrOrigin)
			}
		})
	}
}

func TestSubprotocol(t *testing.T) {
	b := &bridge.Bridge{}
	addr := serve(t, b)
	refused := uint64(0)
	for _, tt := range []struct {
		offers []string
		status int
		want   string
	}{
		{nil, 101, ""},
		{[]string{"binary"}, 101, "binary"},
		{[]string{wire.Subprotocol}, 101, wire.Subprotocol},
		{[]string{"x,porthole.v1"}, 101, wire.Subprotocol},
		{[]string{"x ,\t porthole.v1 "}, 101, wire.Subprotocol},
		{[]string{"x", "porthole.v1"}, 101, wire.Subprotocol},
		{[]string{"binary, porthole.v1"}, 101, wire.Subprotocol},
		{[]string{"base64, binary"}, 101, "binary"},
		{[]string{"porthole.v2"}, 400, ""},
		{[]string{"Porthole.v1"}, 400, ""},
		{[]string{"base64"}, 400, ""},
		{[]string{""}, 400, ""},
	} {
		t.Run(strings.Join(tt.offers, "|"), func(t *testing.T) {
			status, got, text := ask(t, addr, "localhost", http.Header{"Sec-Websocket-Protocol": tt.offers})
			if status != tt.status || got != tt.want {
				t.Errorf("status %d, chosen %q, want %d, %q (%s)", status, got, tt.status, tt.want, text)
			}
		})
		if tt.status == 400 {
			refused++
		}
	}
	if got := b.Stats().Refused["subprotocol"]; got != refused {
		t.Errorf("%d refusals counted, want %d", got, refused)
	}
}

func TestNoUpgrade(t *testing.T) {
	b := &bridge.Bridge{}
	addr := serve(t, b)
	status, _, _ := ask(t, addr, "localhost", http.Header{"Upgrade": {"h2c"}})
	if want := http.StatusUpgradeRequired; status != want {
		t.Errorf("status %d, want %d", status, want)
	}
	if got := b.Stats().Refused["handshake"]; got != 1 {
		t.Errorf("%d refusals counted, want 1", got)
	}
}

// What a name resolves to when it is dialled is judged, whatever it was before.
func TestReboundTarget(t *testing.T) {
	server := peer(t, echo)
	for i, addr := range []string{
		"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fe80::1", "::ffff:169.254.169.254",
		"0.0.0.0", "::", "::ffff:0.0.0.0", "224.0.0.1", "ff02::1", "255.255.255.255",
	} {
		t.Run(addr, func(t *testing.T) {
			name := fmt.Sprintf("public%d.test", i)
			b := to(bridge.Target{Host: name, Port: server.Port})
			var asked atomic.Int32
			b.Resolver = zone(func(n string) []netip.Addr {
				if n != name {
					return nil
				}
				asked.Add(1)
				return []netip.Addr{netip.MustParseAddr(addr)}
			}).resolver(t)
			p := open(t, serve(t, b))
			s := p.dial(wire.Dial{})
			if got, want := s.closed(), wire.ReasonFailed; got != want {
				t.Errorf("closed %v, want %v", got, want)
			}
			want := wire.Failure{Phase: wire.PhasePolicy, Code: "EACCES", Errno: 13, Syscall: "connect", Address: name, Port: uint64(server.Port)}
			got := *s.failure
			got.Millis, got.Conn = 0, 0
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if got := b.Stats().Refused["address"]; got != 1 {
				t.Errorf("%d refusals counted, want 1", got)
			}
			if asked.Load() == 0 {
				t.Error("the resolver was not asked")
			}
		})
	}
}

// A resolver that gave a good address and then gives another one: the address
// that resolve named is dialled as it was, and the name is judged anew.
func TestResolverThatChangesItsAnswer(t *testing.T) {
	server := peer(t, echo)
	b := to(bridge.Target{Host: "rebind.localhost", Port: server.Port})
	var asked atomic.Int32
	b.Resolver = zone(func(name string) []netip.Addr {
		if name != "rebind.localhost" {
			return nil
		}
		if asked.Add(1) <= 2 { // A and AAAA of the first lookup
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
		}
		return []netip.Addr{netip.MustParseAddr("169.254.169.254")}
	}).resolver(t)
	p := open(t, serve(t, b))
	addrs, f := p.resolve("rebind.localhost", 0)
	if f != nil || len(addrs) != 1 || addrs[0] != "127.0.0.1" {
		t.Fatalf("resolved %q, %+v", addrs, f)
	}
	s := p.dial(wire.Dial{Host: "rebind.localhost", Address: addrs[0], Port: uint64(server.Port)})
	s.await("connected", func() bool { return s.connected != nil })
	again := p.dial(wire.Dial{Host: "rebind.localhost", Port: uint64(server.Port)})
	if got, want := again.closed(), wire.ReasonFailed; got != want || again.failure.Code != "EACCES" {
		t.Errorf("closed %v with %+v, want %v with EACCES", got, again.failure, want)
	}
	if got := b.Stats().Refused["address"]; got != 1 {
		t.Errorf("%d refusals counted, want 1", got)
	}
}

// Each refusal has a line in the log, and no one else's words are lines of it.
func TestRefusalIsLogged(t *testing.T) {
	var out bytes.Buffer
	b := &bridge.Bridge{Logger: slog.New(slog.NewTextHandler(&out, nil))}
	addr := serve(t, b)
	const forged = "\u202e\x1b[31m\nlevel=INFO" // RLO turns what follows around
	ask(t, addr, "localhost", http.Header{"Origin": {"http://evil.test/\u202e"}})
	s := open(t, addr).dial(wire.Dial{Host: "evil.test" + forged + strings.Repeat("x", 1<<14), Port: 1})
	s.closed()
	shutdown(t, b)
	var got []string
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "evil.test") {
			got = append(got, line)
		}
		if strings.ContainsAny(line, "\u202e\x1b") || strings.HasPrefix(line, "level=") || len(line) > 1<<10 {
			t.Errorf("logged %q, as it came", line)
		}
	}
	if len(got) != 2 || !strings.Contains(got[0], "reason=origin") || !strings.Contains(got[1], "target refused") {
		t.Errorf("logged %q, want a line with the origin and one with the target", got)
	}
}
