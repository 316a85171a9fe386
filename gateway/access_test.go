package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
	"porthole/wire"
)

// With keys a stranger sees the way in, and what holds no secret; and no more.
func TestStrangersSeeTheWayIn(t *testing.T) {
	b := build(t)
	const html = "text/html,application/xhtml+xml,*/*"
	for _, tt := range []struct {
		method, path, accept string
		want                 int
		location             string
	}{
		{"GET", "/", html, http.StatusSeeOther, "login"},
		{"GET", "/", "*/*", http.StatusUnauthorized, ""},
		{"POST", "/", html, http.StatusUnauthorized, ""},
		{"GET", "/events", "*/*", http.StatusUnauthorized, ""},
		{"GET", "/ws", "*/*", http.StatusUnauthorized, ""},
		{"POST", "/ticket", "*/*", http.StatusUnauthorized, ""},
		{"GET", "/login", html, http.StatusOK, ""},
		{"GET", "/healthz", "*/*", http.StatusOK, ""},
		{"GET", "/favicon.ico", "*/*", http.StatusOK, ""},
	} {
		resp, _ := b.ask(tt.method, tt.path, nil, key{"Accept", tt.accept})
		if got := resp.Header.Get("Location"); resp.StatusCode != tt.want || got != tt.location {
			t.Errorf("%s %s: %s to %q, want %d to %q", tt.method, tt.path, resp.Status, got, tt.want, tt.location)
		}
		if got := resp.Header.Get("WWW-Authenticate"); (got == "Bearer") != (tt.want == http.StatusUnauthorized) {
			t.Errorf("%s %s: WWW-Authenticate %q", tt.method, tt.path, got)
		}
	}
	resp, _ := b.ask("GET", "/login", nil)
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self'") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("the way in has the policy %q", csp)
	}
	resp, _ = b.ask("GET", "/", nil, bearer(aliceKey))
	if resp.StatusCode != http.StatusOK {
		t.Errorf("who has a key gets %s, want 200", resp.Status)
	}
}

// Without keys there is no way in to show.
func TestNoLoginWithoutKeys(t *testing.T) {
	url, end := begin(t, io.Discard, "--target", "127.0.0.1:9")
	defer end()
	resp, err := client.Get(url + "/login")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("got %s, want 404", resp.Status)
	}
}

// What opens a WebSocket, and what does not.
func TestKeysOpen(t *testing.T) {
	b := build(t)
	c := b.login(aliceKey)
	forged := *c
	forged.Value = "bob" + strings.TrimPrefix(c.Value, "alice")
	longer := *c
	name, rest, _ := strings.Cut(c.Value, ".")
	_, mac, _ := strings.Cut(rest, ".")
	longer.Value = name + ".99999999999." + mac
	gone := *c
	gone.Value = sign(&user{name: "alice", key: aliceKey}, time.Now().Add(-time.Second))
	for what, tt := range map[string]struct {
		key  key
		want int
	}{
		"nothing":               {noKey, http.StatusUnauthorized},
		"a key":                 {bearer(aliceKey), http.StatusSwitchingProtocols},
		"half a key":            {bearer(aliceKey[:20]), http.StatusUnauthorized},
		"a name":                {bearer("alice"), http.StatusUnauthorized},
		"no bearer":             {key{"Authorization", "Basic " + aliceKey}, http.StatusUnauthorized},
		"a cookie":              {cookie(c), http.StatusSwitchingProtocols},
		"another's cookie":      {cookie(&forged), http.StatusUnauthorized},
		"a cookie made longer":  {cookie(&longer), http.StatusUnauthorized},
		"a cookie that is over": {cookie(&gone), http.StatusUnauthorized},
		"a cookie of TLS":       {key{"Cookie", secureCookie + "=" + c.Value}, http.StatusUnauthorized},
		"half a cookie":         {key{"Cookie", plainCookie + "=alice"}, http.StatusUnauthorized},
		"an unknown ticket":     {key{"Sec-WebSocket-Protocol", "binary, ticket.x"}, http.StatusUnauthorized},
	} {
		b.wants(what, tt.want, tt.key)
	}
	first := b.ticket(bearer(aliceKey))
	b.wants("a ticket", http.StatusSwitchingProtocols, noKey, wire.Subprotocol, first)
	b.wants("a ticket again", http.StatusUnauthorized, noKey, wire.Subprotocol, first)
	b.wants("a ticket for a cookie, in raw mode", http.StatusSwitchingProtocols, noKey, "binary", b.ticket(cookie(c)))
	b.wants("another page's ticket", http.StatusForbidden, key{"Origin", "https://evil.test"}, "binary", b.ticket(cookie(c)))

	log := b.log.String()
	for _, secret := range []string{aliceKey, bobKey, c.Value, first} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q:\n%s", secret, log)
		}
	}
	if !strings.Contains(log, "user=alice") {
		t.Errorf("the log does not say who came:\n%s", log)
	}
}

// A cookie is for this site's pages over this way, and no script's.
func TestLogin(t *testing.T) {
	b := build(t)
	c := b.login(aliceKey)
	if c.Name != plainCookie || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.MaxAge != 12*60*60 || c.Secure {
		t.Errorf("the cookie is %v", c)
	}
	resp, _ := b.ask("POST", "/login", url.Values{"key": {aliceKey}}, key{"X-Forwarded-Proto", "https"})
	if c := resp.Cookies()[0]; c.Name != secureCookie || !c.Secure {
		t.Errorf("over TLS the cookie is %v", c)
	}
	for what, resp := range map[string]*http.Response{
		"a wrong key": first(b.ask("POST", "/login", url.Values{"key": {"nobody-has-this-key-at-all"}})),
		"no key":      first(b.ask("POST", "/login", url.Values{})),
	} {
		if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || got != "login#key" || len(resp.Cookies()) > 0 {
			t.Errorf("%s: %s to %q with %v", what, resp.Status, got, resp.Cookies())
		}
	}
	for what, tt := range map[string]struct {
		path string
		form url.Values
		key  key
		want int
	}{
		"another site's login":  {"/login", url.Values{"key": {aliceKey}}, key{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		"another site's logout": {"/logout", nil, key{"Origin", "https://evil.test"}, http.StatusForbidden},
		"far too much":          {"/login", url.Values{"key": {strings.Repeat("x", 1<<20)}}, noKey, http.StatusSeeOther},
	} {
		if resp, _ := b.ask("POST", tt.path, tt.form, tt.key); resp.StatusCode != tt.want || len(resp.Cookies()) > 0 {
			t.Errorf("%s: %s with %v, want %d", what, resp.Status, resp.Cookies(), tt.want)
		}
	}
	resp, _ = b.ask("POST", "/logout", nil, cookie(c))
	if got := resp.Cookies(); resp.StatusCode != http.StatusSeeOther || len(got) != 1 || got[0].MaxAge >= 0 || got[0].Value != "" {
		t.Errorf("logout: %s with %v", resp.Status, got)
	}
}

func first(resp *http.Response, _ string) *http.Response { return resp }

// A session ends when its cookie does, or the key.
func TestAccessEnds(t *testing.T) {
	const why = "your access has ended; show again who you are"
	b := build(t, "--login-age", "2s")
	brief := b.wants("a brief cookie", http.StatusSwitchingProtocols, cookie(b.login(bobKey)))
	if got := b.goodbye(brief); got.Code != websocket.StatusPolicyViolation || got.Reason != why {
		t.Errorf("a session of a cookie that is over ends with %v, want %q", got, why)
	}
	alice := b.wants("alice", http.StatusSwitchingProtocols, bearer(aliceKey))
	bob := b.wants("bob", http.StatusSwitchingProtocols, bearer(bobKey))
	ticket := b.wants("bob's ticket", http.StatusSwitchingProtocols, noKey, "binary", b.ticket(bearer(bobKey)))
	late := b.ticket(bearer(bobKey))
	b.write(2, "alice short") // cannot be used
	b.write(3, "alice "+aliceKey, "bob the-new-key-that-bob-has-now")
	for what, ws := range map[string]*websocket.Conn{"bob's session": bob, "that of his ticket": ticket} {
		if got := b.goodbye(ws); got.Code != websocket.StatusPolicyViolation || got.Reason != why {
			t.Errorf("%s ends with %v, want %q", what, got, why)
		}
	}
	b.wants("bob's old key", http.StatusUnauthorized, bearer(bobKey))
	b.wants("bob's old ticket", http.StatusUnauthorized, noKey, "binary", late)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := alice.Write(ctx, websocket.MessageBinary, []byte("x")); err != nil {
		t.Errorf("alice's session has ended too: %v", err)
	}
	if _, p, err := alice.Read(ctx); err != nil || string(p) != "x" {
		t.Errorf("alice gets %q, %v", p, err)
	}
	if err := os.Remove(b.keys); err != nil {
		t.Fatal(err)
	}
	b.wants("alice's key without the file", http.StatusSwitchingProtocols, bearer(aliceKey))
}

// A user reaches his own targets, of those that there are, and a ticket's bearer
// those that it is for.
func TestUsersHaveTargets(t *testing.T) {
	b := build(t)
	raw := func(target string) string { return "/ws?target=" + url.QueryEscape(target) }
	reaches := func(k key, path string, protocols ...string) bool {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		ws, _, err := websocket.Dial(ctx, b.url+path, &websocket.DialOptions{
			HTTPClient: client, HTTPHeader: http.Header{"X-Forwarded-For": {"192.0.2.1"}, k.header: {k.value}}, Subprotocols: protocols,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer ws.CloseNow()
		_ = ws.Write(ctx, websocket.MessageBinary, []byte("x")) // a refusal shows in reading
		_, p, err := ws.Read(ctx)
		if said, ok := errors.AsType[websocket.CloseError](err); ok && said.Reason != "EACCES: connect" {
			t.Errorf("%s: refused with %v", path, said)
		}
		return string(p) == "x"
	}
	for _, tt := range []struct {
		what, path string
		key        key
		protocols  []string
		want       bool
	}{
		{"alice to one", raw(b.one), bearer(aliceKey), nil, true},
		{"alice to two", raw(b.two), bearer(aliceKey), nil, true},
		{"bob to one", raw(b.one), bearer(bobKey), nil, false},
		{"bob to two", raw(b.two), bearer(bobKey), nil, true},
		{"bob to what he has first", "/ws", bearer(bobKey), nil, true},
		{"a ticket for two, to one", raw(b.one), noKey, []string{"binary", b.ticket(bearer(aliceKey), b.two)}, false},
		{"a ticket for two, to two", raw(b.two), noKey, []string{"binary", b.ticket(bearer(aliceKey), b.two)}, true},
		{"a ticket for what is not listed", raw("127.0.0.1:9"), noKey, []string{"binary", b.ticket(bearer(aliceKey), "127.0.0.1:9")}, false},
	} {
		if got := reaches(tt.key, tt.path, tt.protocols...); got != tt.want {
			t.Errorf("%s: reached is %v, want %v", tt.what, got, tt.want)
		}
	}
	for target, want := range map[string]int{b.one: http.StatusForbidden, "nonsense": http.StatusBadRequest, b.two: http.StatusOK} {
		if resp, _ := b.ask("POST", "/ticket", url.Values{"target": {target}}, bearer(bobKey)); resp.StatusCode != want {
			t.Errorf("bob's ticket for %s: %s, want %d", target, resp.Status, want)
		}
	}
	ws := b.wants("bob", http.StatusSwitchingProtocols, bearer(bobKey), wire.Subprotocol)
	_, hello, err := ws.Read(t.Context())
	if err != nil || bytes.Contains(hello, []byte(b.one)) || !bytes.Contains(hello, []byte(b.two)) || !bytes.Contains(hello, []byte("user")) {
		t.Errorf("bob is greeted with %q, %v", hello, err)
	}
}

// A ticket lasts for half a minute, and there are not more than may be.
func TestTickets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &access{}
		g := &bridge.Grant{Holds: func(time.Time) bool { return true }}
		old, err := a.issue(g)
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(ticketAge - 1)
		last, err := a.issue(g)
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(1)
		if _, err := a.redeem(old); err == nil {
			t.Error("a ticket outlives its time")
		}
		if got, err := a.redeem(last); got != g || err != nil {
			t.Errorf("got %v, %v", got, err)
		}
		for range maxTickets {
			if _, err := a.issue(g); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := a.issue(g); err != errTickets {
			t.Errorf("got %v, want %v", err, errTickets)
		}
		<-time.After(ticketAge)
		if _, err := a.issue(g); err != nil || len(a.tickets) != 1 {
			t.Errorf("later: %v, and %d are kept, want one", err, len(a.tickets))
		}
	})
}

func TestParseKeys(t *testing.T) {
	users, err := parseKeys("\n# remark\n  alice\t" + aliceKey + "  10.0.0.0/8:5432 db:6000-6010\r\nbob " + bobKey)
	if err != nil || len(users) != 2 || users["alice"].key != aliceKey || len(users["alice"].targets) != 2 || users["bob"].targets != nil {
		t.Errorf("got %v, %v", users, err)
	}
	for text, want := range map[string]string{
		"":                     "no key",
		"# nothing\n":          "no key",
		"alice":                "line 1: want NAME KEY",
		"\nal.ice " + aliceKey: "line 2: a name",
		"alice short":          "line 1: the key of alice",
		"alice " + aliceKey + "\nalice " + bobKey: "line 2: the name alice",
		"alice " + aliceKey + "\nbob " + aliceKey: "line 2: the name bob",
		"alice " + aliceKey + " db":               "line 1: target",
	} {
		if _, err := parseKeys(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), aliceKey) || strings.Contains(err.Error(), "short ") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
