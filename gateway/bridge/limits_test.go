package bridge_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
	"porthole/wire"
	"porthole/wire/tap"
)

// knock opens a raw WebSocket and keeps it, or gives the status of the refusal,
// and after how many seconds to come again.
func knock(t *testing.T, addr string, header http.Header) (ws *websocket.Conn, status int, retry string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ws, resp, err := websocket.Dial(ctx, "ws://"+addr, &websocket.DialOptions{HTTPClient: wsClient, HTTPHeader: header})
	if err != nil && resp == nil {
		t.Fatal(err)
	}
	if err == nil {
		t.Cleanup(func() { _ = ws.CloseNow() })
	}
	return ws, resp.StatusCode, resp.Header.Get("Retry-After")
}

// gone ends a WebSocket, and waits until the bridge has so many sessions.
func gone(t *testing.T, b *bridge.Bridge, ws *websocket.Conn, left int) {
	t.Helper()
	_ = ws.CloseNow()
	soonTrue(t, "the session has ended", func() bool { return b.Stats().Sessions == left })
}

// soonTrue waits for something that nothing tells of.
func soonTrue(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); !is(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func wantRefused(t *testing.T, b *bridge.Bridge, reason string, want uint64) {
	t.Helper()
	if got := b.Stats().Refused[reason]; got != want {
		t.Errorf("%d refusals by %q counted, want %d", got, reason, want)
	}
}

func TestSessionsAreLimited(t *testing.T) {
	b := to(peer(t, echo))
	b.Limits.Sessions = 2
	addr := serve(t, b)
	first, _, _ := knock(t, addr, nil)
	knock(t, addr, nil)
	if _, status, retry := knock(t, addr, nil); status != http.StatusServiceUnavailable || retry != "30" {
		t.Errorf("the third gets %d and should come again in %q s, want 503 and 30", status, retry)
	}
	wantRefused(t, b, "sessions", 1)
	gone(t, b, first, 1)
	if _, status, _ := knock(t, addr, nil); status != http.StatusSwitchingProtocols {
		t.Errorf("once one has left the next gets %d, want 101", status)
	}
}

// Each client has its share: an IPv4 address, or a /64, as a proxy tells it. This
// machine has no share.
func TestClientsAreLimited(t *testing.T) {
	b := to(peer(t, echo))
	b.Limits.Client = 1
	b.Policy.Origins = []string{"https://app.test"}
	b.Policy.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	addr := serve(t, b)
	as := func(client string) http.Header {
		return http.Header{"Origin": {"https://app.test"}, "X-Forwarded-For": {client}}
	}
	one, _, _ := knock(t, addr, as("192.0.2.1"))
	for client, want := range map[string]int{
		"192.0.2.1":            429,
		"::ffff:192.0.2.1":     429,
		"10.0.0.1, 192.0.2.1":  429, // what it says itself does not count
		"192.0.2.2":            101,
		"2001:db8::1":          101,
		"127.0.0.1":            101,
		"192.0.2.1, 127.0.0.3": 429, // two proxies
	} {
		if _, status, _ := knock(t, addr, as(client)); status != want {
			t.Errorf("%s gets %d, want %d", client, status, want)
		}
	}
	if _, status, _ := knock(t, addr, as("2001:db8::ffff:1")); status != 429 {
		t.Errorf("another address of a /64 gets %d, want 429", status)
	}
	wantRefused(t, b, "client", 5)
	for range 3 {
		knock(t, addr, http.Header{"Origin": {"https://app.test"}}) // the proxy itself, so this machine
	}
	gone(t, b, one, b.Stats().Sessions-1)
	if _, status, _ := knock(t, addr, as("192.0.2.1")); status != 101 {
		t.Errorf("once its session has ended a client gets %d, want 101", status)
	}
}

// Whom a proxy does not name is a stranger, though the proxy is on this machine:
// a program among them needs an Origin.
func TestProxyNamesNoOne(t *testing.T) {
	b := to(peer(t, echo))
	b.Policy.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	addr := serve(t, b)
	for forwarded, want := range map[string]int{
		"":                   403,
		"unknown":            403,
		"unknown, 127.0.0.3": 403,
		"192.0.2.1":          403,
		"127.0.0.1":          101,
	} {
		if _, status, _ := knock(t, addr, http.Header{"X-Forwarded-For": {forwarded}}); status != want {
			t.Errorf("forwarded for %q: %d, want %d", forwarded, status, want)
		}
	}
}

func TestUpgradesAreLimited(t *testing.T) {
	b := to(peer(t, echo))
	b.Limits.Upgrades = 0.1 // two at once
	b.Policy.Origins = []string{"https://app.test"}
	addr := serve(t, b, from("192.0.2.1:5"))
	origin := http.Header{"Origin": {"https://app.test"}}
	for i, want := range []int{101, 101, 429} {
		if _, status, _ := knock(t, addr, origin); status != want {
			t.Errorf("upgrade %d gets %d, want %d", i+1, status, want)
		}
	}
	wantRefused(t, b, "rate", 1)
}

func TestSocketsAreLimited(t *testing.T) {
	target := peer(t, echo)
	for _, tt := range []struct {
		name, reason, code string
		limits             bridge.Limits
		hello              uint64 // streams
	}{
		{"to a target", "crowded", "EAGAIN", bridge.Limits{Target: 2}, 256},
		{"of a session", "streams", "EMFILE", bridge.Limits{Streams: 2}, 2},
		{"in time", "dials", "EAGAIN", bridge.Limits{Streams: 2, Dials: 0.001, Target: -1}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := to(target)
			b.Limits = tt.limits
			p := open(t, serve(t, b))
			if got := p.hello.Streams; got != tt.hello {
				t.Errorf("hello allows %d streams, want %d", got, tt.hello)
			}
			first, second := p.connect(target), p.connect(target)
			if tt.reason == "dials" { // it is not those that there are
				first.do(first.Close)
				first.closed()
				second.do(second.Close)
				second.closed()
			}
			s := p.dial(wire.Dial{})
			if got := s.closed(); got != wire.ReasonFailed || s.failure.Code != tt.code || s.failure.Phase != wire.PhasePolicy {
				t.Errorf("closed %v with %+v, want %v with %s by policy", got, s.failure, wire.ReasonFailed, tt.code)
			}
			wantRefused(t, b, tt.reason, 1)
			if tt.reason == "dials" {
				return
			}
			first.do(first.Close)
			first.closed()
			soonTrue(t, "there is room again", func() bool {
				s := p.dial(wire.Dial{})
				s.await("an answer", func() bool { return s.connected != nil || s.failure != nil })
				return s.connected != nil
			})
		})
	}
}

// What never became a socket takes no place.
func TestFailedDialsAreNotCounted(t *testing.T) {
	b := to(absent(t))
	b.Limits.Target = 1
	p := open(t, serve(t, b))
	for range 3 {
		s := p.dial(wire.Dial{})
		if got := s.closed(); got != wire.ReasonFailed || s.failure.Code != "ECONNREFUSED" {
			t.Errorf("closed %v with %+v, want %v with ECONNREFUSED", got, s.failure, wire.ReasonFailed)
		}
	}
}

// Raw mode's sockets count as well.
func TestRawSocketsAreLimited(t *testing.T) {
	b := to(peer(t, echo))
	b.Limits.Target = 1
	addr := serve(t, b)
	first, _, _ := knock(t, addr, nil)
	exchange(t, first)
	second, _, _ := knock(t, addr, nil)
	wantClose(t, second, websocket.StatusPolicyViolation, "EAGAIN: connect")
	gone(t, b, first, 0)
	third, _, _ := knock(t, addr, nil)
	exchange(t, third)
}

// exchange sends a byte and waits for its echo.
func exchange(t *testing.T, ws *websocket.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := ws.Write(ctx, websocket.MessageBinary, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, msg, err := ws.Read(ctx); err != nil || string(msg) != "x" {
		t.Fatalf("got %q, %v, want x", msg, err)
	}
}

func wantClose(t *testing.T, ws *websocket.Conn, code websocket.StatusCode, reason string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, _, err := ws.Read(ctx)
	said, ok := errors.AsType[websocket.CloseError](err)
	if !ok || said.Code != code || said.Reason != reason {
		t.Errorf("ended with %v, want %v %q", err, code, reason)
	}
}

// Whoever outlives a limit is told, and one that would not hear it is cut.
func TestTimeIsLimited(t *testing.T) {
	const little = time.Nanosecond // the next look is beyond it
	for _, subprotocol := range []string{"", wire.Subprotocol} {
		for reason, tt := range map[string]struct {
			limits bridge.Limits
			said   string
		}{
			"idle": {bridge.Limits{Idle: little}, "no bytes for too long"},
			"age":  {bridge.Limits{Age: little}, "this session has lived as long as one may; open another"},
		} {
			t.Run(reason+" over "+subprotocol, func(t *testing.T) {
				t.Parallel()
				b := to(peer(t, echo))
				b.Limits = tt.limits
				ws := dialWS(t, "ws://"+serve(t, b), slices.DeleteFunc([]string{subprotocol}, func(s string) bool { return s == "" })...)
				if subprotocol != "" {
					if _, _, err := ws.Read(t.Context()); err != nil { // hello
						t.Fatal(err)
					}
				}
				wantClose(t, ws, websocket.StatusPolicyViolation, tt.said)
				wantRefused(t, b, reason, 1)
			})
		}
		t.Run("blocked over "+subprotocol, func(t *testing.T) {
			t.Parallel()
			b := to(peer(t, firehose))
			b.Limits.Blocked = little
			f := frames(t, serve(t, b), subprotocol)
			if subprotocol != "" {
				for id := uint64(1); id < 32; id += 2 { // more than kernels hold
					f.send(frame(true, opBinary, message(wire.OpDial, id, &wire.Dial{Window: wire.MaxWindow})))
				}
			}
			soonTrue(t, "the session is cut", func() bool { return b.Stats().Refused["blocked"] == 1 && b.Stats().Sessions == 0 })
		})
	}
}

// Once one way has ended, the other must go on.
func TestHalfClosedIsLimited(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *stream, c *net.TCPConn){
		"the page has ended": func(_ *testing.T, s *stream, _ *net.TCPConn) { s.do(s.Stream.End) },
		"the server has ended": func(t *testing.T, _ *stream, c *net.TCPConn) {
			if err := c.CloseWrite(); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, accept := accepting(t)
			b := to(target)
			b.Limits.HalfClosed = time.Nanosecond
			p := open(t, serve(t, b))
			s, other := p.connect(target), (*stream)(nil)
			c := accept()
			other = p.connect(target)
			accept()
			end(t, s, c)
			if got := s.closed(); got != wire.ReasonError || s.failure.Code != "ETIMEDOUT" {
				t.Errorf("closed %v with %+v, want %v with ETIMEDOUT", got, s.failure, wire.ReasonError)
			}
			wantRefused(t, b, "half-closed", 1)
			if slices.Contains(other.told, "closed") {
				t.Error("a socket that is open both ways has ended too")
			}
		})
	}
}

// A page that is not of this machine cannot tell what is behind the gateway by
// what it cannot have: all of it looks alike, and takes as long.
func TestDiscretion(t *testing.T) {
	closed := absent(t)
	var all []wire.Failure
	for _, tt := range []struct {
		name   string
		target bridge.Target
		addr   string
	}{
		{"refused", closed, ""},
		{"a name that leads to what is refused", bridge.Target{Host: "a.localhost", Port: closed.Port}, "127.0.0.1"},
		{"a forbidden address", bridge.Target{Host: "b.test", Port: closed.Port}, "169.254.169.254"},
		{"no such name", bridge.Target{Host: "c.test", Port: closed.Port}, ""},
	} {
		b := to(tt.target)
		b.Policy.Discreet = true
		b.Limits.Dial = 200 * time.Millisecond
		b.Log = &tap.Log{}
		zones := map[string]string{}
		if tt.addr != "" {
			zones[tt.target.Host] = tt.addr
		}
		b.Resolver = names(zones).resolver(t)
		p := open(t, serve(t, b))
		s := p.dial(wire.Dial{})
		if got, want := s.closed(), wire.ReasonFailed; got != want {
			t.Errorf("%s: closed %v, want %v", tt.name, got, want)
		}
		f := *s.failure
		if f.Millis < 200 {
			t.Errorf("%s: told after %d ms, want not before 200", tt.name, f.Millis)
		}
		if f.Address != tt.target.Host || f.Port != uint64(tt.target.Port) {
			t.Errorf("%s: of %s port %d, want what was asked for", tt.name, f.Address, f.Port)
		}
		f.Millis, f.Address, f.Port = 0, "", 0
		all = append(all, f)
		shutdown(t, b)
		p.await("the end", func() bool { return p.ended != nil })
		p.mu.Lock()
		events := p.events
		p.mu.Unlock()
		for _, e := range events {
			if e.Kind == wire.Lookup || e.Kind == wire.Error && e.Code != "EHOSTUNREACH" {
				t.Errorf("%s: the page is told %v %s", tt.name, e.Kind, e.Code)
			}
		}
	}
	for _, f := range all {
		if want := (wire.Failure{Phase: wire.PhaseDial, Code: "EHOSTUNREACH", Errno: 113, Syscall: "connect", Conn: 1}); f != want {
			t.Errorf("got %+v, want %+v", f, want)
		}
	}
}

// What can be had is told as always.
func TestDiscretionOfSuccess(t *testing.T) {
	server := peer(t, echo)
	b := to(bridge.Target{Host: "a.localhost", Port: server.Port})
	b.Policy.Discreet = true
	b.Log = &tap.Log{}
	b.Resolver = names(map[string]string{"a.localhost": "127.0.0.1"}).resolver(t)
	p := open(t, serve(t, b))
	s := p.dial(wire.Dial{})
	s.await("connected", func() bool { return s.connected != nil })
	var kinds []wire.Kind
	for _, e := range history(b.Log) {
		kinds = append(kinds, e.Kind)
	}
	if want := []wire.Kind{wire.Lookup, wire.Connect}; !slices.Equal(kinds, want) {
		t.Errorf("told %v, want %v", kinds, want)
	}
}
