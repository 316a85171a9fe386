package bridge_test

import (
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"porthole/gateway/bridge"
)

// guarded is a bridge for alice, who has a password, and shows a bearer.
func guarded(target bridge.Target) (b *bridge.Bridge, holds *atomic.Bool) {
	holds = new(atomic.Bool)
	holds.Store(true)
	b = to(target)
	alice := &bridge.Grant{User: "alice", Holds: func(time.Time) bool { return holds.Load() }}
	b.Authenticate = func(r *http.Request) (*bridge.Grant, error) {
		if r.URL.Path == "/alice" { // as good as a header
			return alice, nil
		}
		return nil, errors.New("who are you?")
	}
	b.Password = func(user, password string) *bridge.Grant {
		if user == "alice" && password == "open sesame" {
			return alice
		}
		return nil
	}
	return b, holds
}

// oldWispPassword is the extension 02 of a client, as an earlier draft has it.
func oldWispPassword(user, password string) string {
	body := append([]byte{byte(len(user))}, binary.LittleEndian.AppendUint16(nil, uint16(len(password)))...)
	body = append(body, user+password...)
	return string(binary.LittleEndian.AppendUint32([]byte{2}, uint32(len(body)))) + string(body)
}

// Who is not known by his request shows a password in v2, and is asked for one only
// then.
func TestWispPassword(t *testing.T) {
	const asks = "\x02\x00" + wispConfirmation + "\x02\x01\x00\x00\x00\x01"
	for name, tt := range map[string]struct {
		path, shown string
		asks        bool
		refusal     byte
	}{
		"a password":               {"", wispPassword("alice", "open sesame"), true, 0},
		"… as it was encoded":      {"", oldWispPassword("alice", "open sesame"), true, 0},
		"… behind another":         {"", wispConfirmation + wispPassword("alice", "open sesame"), true, 0},
		"another's":                {"", wispPassword("bob", "open sesame"), true, 0xc0},
		"a wrong one":              {"", wispPassword("alice", "open"), true, 0xc0},
		"… as that was encoded":    {"", oldWispPassword("alice", "open"), true, 0xc0},
		"none":                     {"", "", true, 0xc2},
		"half of one":              {"", "\x02\x02\x00\x00\x00\x05a", true, 0xc2},
		"none, but a bearer":       {"/alice", "", false, 0},
		"a wrong one, for nothing": {"/alice", wispPassword("bob", ""), false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			target := peer(t, echo)
			b, holds := guarded(target)
			c := dialWisp(t, serveWisp(t, b)+tt.path, tt.shown)
			if got := c.server == asks; got != tt.asks {
				t.Errorf("the server says %q: it asks is %v, want %v", c.server, got, tt.asks)
			}
			if tt.refusal != 0 {
				if code, reason := c.status(); code != 1008 || c.refusal != tt.refusal || c.credit > 0 {
					t.Errorf("refused with %#x, and %d %q, want %#x and 1008", c.refusal, code, reason, tt.refusal)
				}
				wantRefused(t, b, "access", 1)
				return
			}
			c.awaits("CONTINUE on stream 0", func() bool { return c.credit > 0 })
			s := c.to(target)
			s.send("x")
			s.receive(1)
			holds.Store(false)
			if code, reason := c.status(); code != 1008 || reason != "your access has ended; show again who you are" {
				t.Errorf("when access ends: %d %q, want 1008", code, reason)
			}
			if got, want := s.reason, byte(0x01); got != want {
				t.Errorf("the stream is closed with %#x, want %#x", got, want)
			}
		})
	}
}

// A user's grant is his session's, whenever it is known.
func TestWispPasswordHasTargets(t *testing.T) {
	his, others := peer(t, echo), peer(t, echo)
	b, _ := guarded(his)
	b.Policy.Targets = append(b.Policy.Targets, others)
	known := b.Password
	b.Password = func(user, password string) *bridge.Grant {
		g := *known(user, password)
		g.Targets = []bridge.Target{his}
		return &g
	}
	c := openWisp(t, serveWisp(t, b), wispPassword("alice", "open sesame"))
	if got, want := c.to(others).closed(), byte(0x48); got != want {
		t.Errorf("closed with %#x, want %#x", got, want)
	}
	s := c.to(his)
	s.send("x")
	s.receive(1)
}

// Where no password may be shown, a request must say who it is.
func TestWispStrangersStayOutside(t *testing.T) {
	for name, tt := range map[string]struct {
		offer    string
		password bool
		want     int
	}{
		"v1":                  {"", true, http.StatusUnauthorized},
		"v2":                  {"wisp-v2", true, http.StatusSwitchingProtocols},
		"v2, and no password": {"wisp-v2", false, http.StatusUnauthorized},
		"what is unknown":     {"binary", true, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := guarded(peer(t, echo))
			if !tt.password {
				b.Password = nil
			}
			c, err := net.Dial("tcp", serveWisp(t, b))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			deadline(t, c)
			if _, got := handshake(t, c, tt.offer); got != tt.want {
				t.Errorf("status %d, want %d", got, tt.want)
			}
		})
	}
}
