package bridge_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
	"porthole/wire"
	"porthole/wire/tap"
)

// serveNeon serves a bridge's clients of Neon's wsproxy.
func serveNeon(t testing.TB, b *bridge.Bridge) (host string) {
	t.Helper()
	return serve(t, b, func(http.Handler) http.Handler { return b.Neon() })
}

// The address is in the query, as it is or encoded; without, it is the default.
func TestNeonAddress(t *testing.T) {
	first, second, gone := peer(t, sayer("first")), peer(t, sayer("second")), absent(t)
	b := to(first, second, gone, bridge.Target{Host: "unknown.test", Port: 1})
	b.Resolver = names(nil).resolver(t)
	host := serveNeon(t, b)
	for _, tt := range []struct {
		query  string
		want   string // what is said
		code   int
		reason string
	}{
		{"", "first", 1000, "TCP connection is closed"},
		{"address=", "first", 1000, "TCP connection is closed"},
		{"target=" + second.String(), "first", 1000, "TCP connection is closed"},
		{"address=" + second.String(), "second", 1000, "TCP connection is closed"},
		{"address=" + url.QueryEscape(second.String()), "second", 1000, "TCP connection is closed"},
		{"address=" + gone.String(), "", 1011, "ECONNREFUSED: connect"},
		{"address=unknown.test:1", "", 1011, "ENOTFOUND: getaddrinfo"},
	} {
		t.Run(tt.query, func(t *testing.T) {
			r := openRaw(t, host, tt.query)
			if got := r.receive(len(tt.want)); got != tt.want {
				t.Errorf("%q answers, want %q", got, tt.want)
			}
			if code, reason := r.status(); code != tt.code || reason != tt.reason {
				t.Errorf("close code %d %q, want %d %q", code, reason, tt.code, tt.reason)
			}
		})
	}
	if got := b.Stats().Refused; len(got) > 0 {
		t.Errorf("refused %v, want nothing", got)
	}
}

// What is not listed is refused before the upgrade, at once, by name in the log.
func TestNeonRefuses(t *testing.T) {
	target := peer(t, greet)
	var out bytes.Buffer
	b := to(target)
	b.Policy.Discreet = true
	b.Limits.Dial = -1 // what is not found out at once never is
	b.Logger = slog.New(slog.NewTextHandler(&out, nil))
	host := serveNeon(t, b)
	unlisted := []string{
		fmt.Sprintf("127.0.0.2:%d", target.Port), fmt.Sprintf("localhost:%d", target.Port), "127.0.0.1", "127.0.0.1:0",
		"/etc/passwd", "evil.test\u202e\x1b[31m\nlevel=INFO:1" + strings.Repeat("x", 2000),
	}
	for _, address := range unlisted {
		status, _, text := ask(t, host+"/v2?address="+url.QueryEscape(address), "localhost", nil)
		if status != http.StatusBadRequest || text != bridge.ErrTarget.Error() {
			t.Errorf("%.30q: %d %q, want 400 %q", address, status, text, bridge.ErrTarget)
		}
	}
	if got, want := b.Stats(), uint64(len(unlisted)); got.Refused["target"] != want || len(got.Refused) != 1 || got.Sessions != 0 {
		t.Errorf("refused %v in %d sessions, want %d targets, in none", got.Refused, got.Sessions, want)
	}
	shutdown(t, b)
	lines := slices.Collect(strings.Lines(out.String()))
	if n := len(slices.DeleteFunc(lines, func(l string) bool { return !strings.Contains(l, "target refused") })); n != len(unlisted) {
		t.Errorf("%d targets are logged, want %d:\n%s", n, len(unlisted), &out)
	}
	for line := range strings.Lines(out.String()) {
		if strings.ContainsAny(line, "\u202e\x1b") || strings.HasPrefix(line, "level=") || len(line) > 1<<10 {
			t.Errorf("logged %q, as it came", line)
		}
	}
	if status, _, _ := ask(t, serveNeon(t, to()), "localhost", nil); status != http.StatusBadRequest {
		t.Errorf("with no target at all: %d, want 400", status)
	}
}

// Its clients offer no subprotocol, but one that brings a ticket has to.
func TestNeonSubprotocols(t *testing.T) {
	b := to(peer(t, greet))
	host := serveNeon(t, b)
	for offer, want := range map[string]int{
		"": 101, "binary": 101, "binary, ticket.x": 101, "ticket.x": 400, "porthole.v1": 400, "wisp-v2": 400,
	} {
		header := http.Header{}
		if offer != "" {
			header.Set("Sec-WebSocket-Protocol", offer)
		}
		status, chosen, text := ask(t, host, "localhost", header)
		if status != want || want == 101 && chosen != strings.TrimSuffix(offer, ", ticket.x") {
			t.Errorf("%q: %d with %q (%s), want %d", offer, status, chosen, text, want)
		}
	}
	wantRefused(t, b, "subprotocol", 3)
}

// A user reaches what is his, and his first is his default.
func TestNeonUsers(t *testing.T) {
	one, two := peer(t, sayer("one")), peer(t, sayer("two"))
	b := to(one, two)
	b.Authenticate = func(r *http.Request) (*bridge.Grant, error) {
		switch r.URL.Query().Get("user") {
		case "all":
			return &bridge.Grant{User: "all"}, nil
		case "two":
			return &bridge.Grant{User: "two", Targets: []bridge.Target{two}}, nil
		}
		return nil, errors.New("no one")
	}
	host := serveNeon(t, b)
	for _, tt := range []struct{ query, want string }{
		{"user=all", "one"}, {"user=all&address=" + two.String(), "two"},
		{"user=two", "two"}, {"user=two&address=" + two.String(), "two"},
	} {
		if got := openRaw(t, host, tt.query).receive(3); got != tt.want {
			t.Errorf("%s: %q answers, want %q", tt.query, got, tt.want)
		}
	}
	for query, want := range map[string]int{"user=two&address=" + one.String(): 400, "address=" + one.String(): 401} {
		if status, _, text := ask(t, host+"/?"+query, "localhost", nil); status != want {
			t.Errorf("%s: %d %q, want %d", query, status, text, want)
		}
	}
}

// The driver does not wait until there is a socket, nor for an answer: what it has sent
// by then goes to the server as it was sent, and all of it before anything later. If it
// has left again by then, its end comes behind that.
func TestNeonWaitsForTheSocket(t *testing.T) {
	for name, leave := range map[string]func(f *framer){
		"it stays":  nil,
		"it closes": func(f *framer) { f.send(frame(true, opClose, "\x03\xe8")) },
		"it is cut": func(f *framer) { closeWrite(t, f.Conn.(*net.TCPConn)) },
	} {
		for _, observed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/observed %v", name, observed), func(t *testing.T) {
				target, accept := accepting(t)
				b := to(bridge.Target{Host: "slow.test", Port: target.Port}, target)
				if observed {
					b.Log = &tap.Log{}
				}
				asked, answer := make(chan struct{}), make(chan struct{})
				once, release := sync.OnceFunc(func() { close(asked) }), sync.OnceFunc(func() { close(answer) })
				b.Resolver = zone(func(string) []netip.Addr {
					once()
					<-answer
					return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
				}).resolver(t)
				f := frames(t, serveNeon(t, b), "")
				t.Cleanup(release)
				<-asked
				var want strings.Builder
				for i := range 1000 { // many more than a buffer has
					message := fmt.Sprintf("%d:%s,", i, strings.Repeat("x", i%200))
					f.send(frame(true, opBinary, message))
					want.WriteString(message)
				}
				if leave != nil {
					leave(f)
				}
				release()
				c := accept()
				if got := read(t, c, len(want.String())); got != want.String() {
					t.Error("the server does not read what was sent, in order")
				}
				if leave == nil {
					f.send(frame(true, opBinary, "later"))
					if got := read(t, c, 5); got != "later" {
						t.Errorf("the server reads %q, want what came later", got)
					}
					write(t, c, "answer")
					if opcode, got, err := f.next(); opcode != opBinary || string(got) != "answer" || err != nil {
						t.Errorf("got opcode %x with %q, %v, want the answer", opcode, got, err)
					}
					return
				}
				if err := ending(c); err != nil {
					t.Errorf("the server sees %v, want the end", err)
				}
				soonTrue(t, "the session has ended", func() bool { return b.Stats().Sessions == 0 })
			})
		}
	}
}

// A client that gives up while no socket comes is kept no longer than a dial may take;
// one that has stayed is told.
func TestNeonDialThatNeverEnds(t *testing.T) {
	for name, act := range map[string]func(f *framer){
		"it stays": func(f *framer) {
			var h heard
			h.close(f)
			if got, want := string(h.bye), "\x03\xf3EAI_AGAIN: getaddrinfo"; got != want {
				t.Errorf("the goodbye is %q, want %q", got, want)
			}
			_ = f.Close()
		},
		"it closes":    func(f *framer) { f.send(frame(true, opClose, "\x03\xe8")) },
		"it goes away": func(f *framer) { _ = f.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			b, asked := silent(t)
			b.Limits.Dial = 100 * time.Millisecond
			f := frames(t, serveNeon(t, b), "")
			<-asked
			f.send(frame(true, opBinary, "a query"))
			act(f)
			soonTrue(t, "the session has ended", func() bool { return b.Stats().Sessions == 0 })
		})
	}
}

func TestNeonEnds(t *testing.T) {
	relayEnds(t, "TCP connection is closed", func(t *testing.T, target bridge.Target) raw {
		return openRaw(t, serveNeon(t, to(target)), "address="+target.String())
	})
}

// The socket is observed and counted as any other is.
func TestNeonIsObserved(t *testing.T) {
	target, accept := accepting(t)
	b := to(target)
	b.Log = &tap.Log{}
	var mu sync.Mutex
	var dials []string
	b.Dialled = func(phase, code string, _ time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		dials = append(dials, phase+code)
	}
	r := openRaw(t, serveNeon(t, b), "address="+target.String())
	c := accept()
	r.send(websocket.MessageBinary, "ping")
	read(t, c, 4)
	write(t, c, "pong")
	r.receive(4)
	if err := r.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	if err := ending(c); err != nil {
		t.Errorf("the server ends with %v, want FIN", err)
	}
	shutdown(t, b)
	want := []string{"connect", "write() [0,4) ping", "data [0,4) pong", "end()", "destroy()", "close"}
	if got := tell(history(b.Log), wire.Client); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if s := b.Stats(); s.BytesUp != 4 || s.BytesDown != 4 || len(s.Refused) > 0 {
		t.Errorf("counted %d bytes up, %d down, refused %v, want 4 and 4, and nothing", s.BytesUp, s.BytesDown, s.Refused)
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(dials, []string{"dial"}) {
		t.Errorf("dials are told as %q, want one that went well", dials)
	}
}
