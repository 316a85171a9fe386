package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"
)

const (
	aliceKey = "alice-has-this-key-of-hers"
	bobKey   = "bob-has-another-one-of-his"
)

// key is what a client shows.
type key struct{ header, value string }

var noKey = key{"X-Nothing", ""}

func bearer(k string) key { return key{"Authorization", "Bearer " + k} }

// building has a gateway with keys behind a proxy, so that all its clients are
// strangers. The targets are two echoes.
type building struct {
	t        *testing.T
	url      string
	keys     string // the file
	log      *safeBuffer
	one, two string
}

func build(t *testing.T, args ...string) *building {
	b := &building{t: t, keys: filepath.Join(t.TempDir(), "keys"), log: &safeBuffer{}, one: echo(t), two: echo(t)}
	b.write(1, "# who may come", "alice "+aliceKey, "", "bob "+bobKey+" "+b.two)
	url, end := begin(t, b.log, append([]string{"--keys", b.keys, "--trust-proxy", "127.0.0.1", "--target", b.one, "--target", b.two}, args...)...)
	t.Cleanup(end)
	b.url = url
	return b
}

// write replaces the keys.
func (b *building) write(second int64, lines ...string) {
	put(b.t, b.keys, []byte(strings.Join(lines, "\n")), second)
}

// echo is a TCP server that says what it hears.
func echo(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// client follows no redirect, and keeps nothing.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// ask makes a request as a stranger's browser would, without a body unless there
// is a form.
func (b *building) ask(method, path string, form url.Values, headers ...key) (*http.Response, string) {
	b.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", "192.0.2.1")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range headers {
		r.Header.Set(h.header, h.value)
	}
	resp, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp, string(text)
}

// dial opens a WebSocket as a stranger would, nil if it is refused.
func (b *building) dial(k key, protocols ...string) (*websocket.Conn, int) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	ws, resp, err := websocket.Dial(ctx, b.url+"/ws", &websocket.DialOptions{
		HTTPClient:   client,
		HTTPHeader:   http.Header{"X-Forwarded-For": {"192.0.2.1"}, k.header: {k.value}},
		Subprotocols: protocols,
	})
	if resp == nil {
		b.t.Fatal(err)
	}
	if err == nil {
		b.t.Cleanup(func() { _ = ws.CloseNow() })
	}
	return ws, resp.StatusCode
}

func (b *building) wants(what string, want int, k key, protocols ...string) *websocket.Conn {
	b.t.Helper()
	ws, got := b.dial(k, protocols...)
	if got != want {
		b.t.Errorf("%s: got %d, want %d", what, got, want)
	}
	return ws
}

// login gets a cookie for a key.
func (b *building) login(k string) *http.Cookie {
	b.t.Helper()
	resp, _ := b.ask("POST", "/login", url.Values{"key": {k}})
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "./" || len(resp.Cookies()) != 1 {
		b.t.Fatalf("login: %s to %q with %v", resp.Status, resp.Header.Get("Location"), resp.Cookies())
	}
	return resp.Cookies()[0]
}

func cookie(c *http.Cookie) key { return key{"Cookie", c.Name + "=" + c.Value} }

// ticket gets a ticket's subprotocol.
func (b *building) ticket(k key, targets ...string) string {
	b.t.Helper()
	resp, body := b.ask("POST", "/ticket", url.Values{"target": targets}, k)
	var said struct {
		Protocol string `json:"protocol"`
		Expires  int    `json:"expires_in"`
	}
	if err := json.Unmarshal([]byte(body), &said); err != nil || said.Expires != 30 {
		b.t.Fatalf("ticket: %s %s", resp.Status, body)
	}
	return said.Protocol
}

// goodbye reads to the end of a WebSocket.
func (b *building) goodbye(ws *websocket.Conn) websocket.CloseError {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	for {
		if _, _, err := ws.Read(ctx); err != nil {
			said, ok := errors.AsType[websocket.CloseError](err)
			if !ok {
				b.t.Errorf("the WebSocket ends with %v", err)
			}
			return said
		}
	}
}
