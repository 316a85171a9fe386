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
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
	"porthole/wire"
	"porthole/wire/tap"
)

// serveWebsockify serves a bridge's clients of websockify. A nil map is no tokens.
func serveWebsockify(t testing.TB, b *bridge.Bridge, tokens map[string]bridge.Target) (host string) {
	t.Helper()
	find := func(token string) (bridge.Target, bool) {
		target, ok := tokens[token]
		return target, ok
	}
	if tokens == nil {
		find = nil
	}
	return serve(t, b, func(http.Handler) http.Handler { return b.Websockify(find) })
}

// Clients offer binary or nothing; what else they offer beside it is let be.
func TestWebsockifySubprotocols(t *testing.T) {
	target := peer(t, greet)
	host := serveWebsockify(t, to(target, absent(t)), nil)
	for offer, want := range map[string]struct {
		status int
		answer string
	}{
		"":               {http.StatusSwitchingProtocols, ""},
		"binary":         {http.StatusSwitchingProtocols, "binary"},
		"binary, base64": {http.StatusSwitchingProtocols, "binary"},
		"base64,binary":  {http.StatusSwitchingProtocols, "binary"},
		"base64":         {http.StatusBadRequest, ""},
		"binaryx":        {http.StatusBadRequest, ""},
		"porthole.v1":    {http.StatusBadRequest, ""},
	} {
		t.Run(offer, func(t *testing.T) {
			c, err := net.Dial("tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			deadline(t, c)
			f, status := handshake(t, c, offer)
			if status != want.status {
				t.Fatalf("status %d, want %d", status, want.status)
			}
			if status != http.StatusSwitchingProtocols {
				return
			}
			f.send(frame(true, opBinary, "哇咔咔"))
			if opcode, got, err := f.next(); err != nil || opcode != opBinary || string(got) != "你好哇咔咔" {
				t.Errorf("got opcode %x with %q, %v, want the greeting", opcode, got, err)
			}
			r := openRaw(t, host, "target=ignored&token=too", strings.Fields(strings.ReplaceAll(offer, ",", " "))...)
			if got := r.Subprotocol(); got != want.answer {
				t.Errorf("the answer has the subprotocol %q, want %q", got, want.answer)
			}
		})
	}
}

func TestWebsockifyTokens(t *testing.T) {
	listed, unlisted, gone := peer(t, sayer("listed")), peer(t, sayer("unlisted")), absent(t)
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = c.Write([]byte("unix"))
			_ = c.Close()
		}
	}()
	own := peer(t, sayer("own")) // as if it were the gateway's
	b := to(listed)
	b.Policy.Own = []netip.AddrPort{netip.MustParseAddrPort(own.String())}
	b.Resolver = names(map[string]string{"rebound.test": "127.0.0.3"}).resolver(t)
	host := serveWebsockify(t, b, map[string]bridge.Target{
		"one": listed, "two": unlisted, "gone": gone, "unix": {Host: path}, "own": own, "你 好:&": unlisted,
		"private": {Host: "rebound.test", Port: listed.Port},
		"unknown": {Host: "unknown.test", Port: 1},
		"local":   {Host: "localhost", Port: unlisted.Port},
		"range":   {Host: "127.0.0.1", Port: 1, Last: 65535},
		"block":   {Host: "127.0.0.0/8", Port: unlisted.Port},
	})
	for _, tt := range []struct {
		token string
		code  int
		want  string // what is said, or the reason
	}{
		{"one", 1000, "listed"},
		{"two", 1000, "unlisted"},
		{"你 好:&", 1000, "unlisted"},
		{"local", 1000, "unlisted"},
		{"unix", 1000, "unix"},
		{"", 1008, "EACCES: connect"},
		{"One", 1008, "EACCES: connect"},
		{listed.String(), 1008, "EACCES: connect"},
		{"range", 1008, "EACCES: connect"},
		{"block", 1008, "EACCES: connect"},
		{"own", 1008, "EACCES: connect"},
		{"private", 1008, "EACCES: connect"},
		{"gone", 1011, "Failed to connect to downstream server: ECONNREFUSED"},
		{"unknown", 1011, "Failed to connect to downstream server: ENOTFOUND"},
	} {
		t.Run(tt.token, func(t *testing.T) {
			r := openRaw(t, host, "token="+url.QueryEscape(tt.token)+"&target="+listed.String(), "binary")
			want := tt.want
			if tt.code == 1000 {
				if got := r.receive(len(tt.want)); got != tt.want {
					t.Errorf("%q answers, want %q", got, tt.want)
				}
				want = "Target closed"
			}
			if code, reason := r.status(); code != tt.code || reason != want {
				t.Errorf("close code %d %q, want %d %q", code, reason, tt.code, want)
			}
		})
	}
	if got, want := b.Stats().Refused, map[string]uint64{"token": 5, "address": 2}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("refused %v, want %v", got, want)
	}
	// Pages do not reach by name what has a token.
	if code, reason := openRaw(t, serve(t, to(listed)), "target="+unlisted.String()).status(); code != 1008 {
		t.Errorf("beside tokens: close code %d %q, want 1008", code, reason)
	}
}

// Who has targets of his own has no more of them by a token.
func TestWebsockifyUsers(t *testing.T) {
	one, two := peer(t, sayer("one")), peer(t, sayer("two"))
	b := to(one)
	b.Authenticate = func(r *http.Request) (*bridge.Grant, error) {
		switch r.URL.Query().Get("user") {
		case "all":
			return &bridge.Grant{User: "all"}, nil
		case "two":
			return &bridge.Grant{User: "two", Targets: []bridge.Target{two}}, nil
		}
		return nil, errors.New("no one")
	}
	host := serveWebsockify(t, b, map[string]bridge.Target{"one": one, "two": two})
	for _, tt := range []struct {
		user, token string
		code        int
	}{
		{"all", "one", 1000}, {"all", "two", 1000}, {"two", "two", 1000},
		{"two", "one", 1008}, {"two", "none", 1008}, {"two", "", 1008},
	} {
		r := openRaw(t, host, "user="+tt.user+"&token="+tt.token)
		if code, reason := r.status(); code != tt.code {
			t.Errorf("%s by token %q: close code %d %q, want %d", tt.user, tt.token, code, reason, tt.code)
		}
	}
	resp, err := http.Get("http://" + host + "/?token=one")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("by a token alone: %s, want 401", resp.Status)
	}
}

func TestWebsockifyEnds(t *testing.T) {
	relayEnds(t, "Target closed", func(t *testing.T, target bridge.Target) raw {
		return openRaw(t, serveWebsockify(t, to(target), nil), "", "binary")
	}, relayEnd{"the client sends text", func(t *testing.T, r raw, c *net.TCPConn) {
		r.send(websocket.MessageBinary, "last words")
		r.send(websocket.MessageText, "哇咔咔")
		if got, want := read(t, c, 10), "last words"; got != want {
			t.Errorf("the server reads %q, want %q", got, want)
		}
	}, 1003, "only binary messages are understood here", nil})
}

// The socket is observed as any other is.
func TestWebsockifyIsObserved(t *testing.T) {
	target, accept := accepting(t)
	b := to()
	b.Log = &tap.Log{}
	r := openRaw(t, serveWebsockify(t, b, map[string]bridge.Target{"vm1": target}), "token=vm1", "binary")
	c := accept()
	r.send(websocket.MessageBinary, "ping")
	read(t, c, 4)
	write(t, c, "pong")
	r.receive(4)
	if err := r.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	if err := ending(c); err != nil { // so that it is our end, and not the shutdown's
		t.Error(err)
	}
	shutdown(t, b)
	want := []string{"connect", "write() [0,4) ping", "data [0,4) pong", "end()", "destroy()", "close"}
	if got := tell(history(b.Log), wire.Client); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if s := b.Stats(); s.BytesUp != 4 || s.BytesDown != 4 {
		t.Errorf("counted %d bytes up, %d down, want 4 and 4", s.BytesUp, s.BytesDown)
	}
}

// On a discreet gateway what a token leads to is not told apart by how it fails.
func TestWebsockifyDiscretion(t *testing.T) {
	b := to()
	b.Policy.Discreet = true
	b.Limits.Dial = 200 * time.Millisecond
	b.Resolver = names(map[string]string{"private.test": "10.0.0.1"}).resolver(t)
	host := serveWebsockify(t, b, map[string]bridge.Target{
		"refused": absent(t), "unknown": {Host: "unknown.test", Port: 1}, "forbidden": {Host: "private.test", Port: 1},
	})
	for _, token := range []string{"refused", "unknown", "forbidden"} {
		code, reason := openRaw(t, host, "token="+token).status()
		if want := "Failed to connect to downstream server: EHOSTUNREACH"; code != 1011 || reason != want {
			t.Errorf("%s: close code %d %q, want 1011 %q", token, code, reason, want)
		}
	}
}

// A token that is refused is logged, and not as it came.
func TestWebsockifyRefusalIsLogged(t *testing.T) {
	var out bytes.Buffer
	b := &bridge.Bridge{Logger: slog.New(slog.NewTextHandler(&out, nil))}
	token := "vm\u202e\x1b[31m\nlevel=INFO" + strings.Repeat("x", 2000)
	openRaw(t, serveWebsockify(t, b, map[string]bridge.Target{}), "token="+url.QueryEscape(token)).status()
	shutdown(t, b)
	said := false
	for line := range strings.Lines(out.String()) {
		said = said || strings.Contains(line, "token refused") && strings.Contains(line, "vm")
		if strings.ContainsAny(line, "\u202e\x1b") || strings.HasPrefix(line, "level=") || len(line) > 1<<10 {
			t.Errorf("logged %q, as it came", line)
		}
	}
	if !said {
		t.Errorf("the log lacks the token:\n%s", &out)
	}
}
