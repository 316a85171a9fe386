package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"porthole/gateway/bridge"
	"porthole/web"
)

// compiled is the page, which takes its time: once for all tests but TestRun's.
var compiled = sync.OnceValues(func() (*web.Handler, error) { return web.New(context.Background()) })

// begin runs the command, and returns where it is once it says so. end tells it
// to end, and waits; an error fails the test.
func begin(t *testing.T, stderr io.Writer, args ...string) (url string, end func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() {
		page := func(context.Context) (*web.Handler, error) { return compiled() }
		done <- runWith(ctx, page, append([]string{"--listen", "127.0.0.1:0"}, args...), stdout, stderr)
		_ = stdout.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(<-done)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "open ")), func() {
		t.Helper()
		stop()
		if err := <-done; err != nil {
			t.Errorf("run: %v, want nil", err)
		}
	}
}

// The command serves the page and the rest from the moment that it says where,
// and ends without an error when it is told to.
func TestRun(t *testing.T) {
	url, end := begin(t, io.Discard, "--target", "127.0.0.1:9")
	for path, want := range map[string]string{
		"/":        "text/html; charset=utf-8",
		"/healthz": "text/plain; charset=utf-8",
		"/events":  "application/x-ndjson",
	} {
		resp, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got != want {
			t.Errorf("%s: %s %q, want 200 %q", path, resp.Status, got, want)
		}
	}
	end()
}

// Events hold everyone's bytes: a gateway that others can reach, or that a proxy
// brings others to, tells none.
func TestEventsAreLocal(t *testing.T) {
	for name, tt := range map[string]struct {
		listen string
		proxy  []proxy
		want   int
	}{
		"loopback":                {"127.0.0.1:0", nil, http.StatusOK},
		"everywhere":              {"0.0.0.0:0", nil, http.StatusForbidden},
		"loopback behind a proxy": {"127.0.0.1:0", []proxy{proxy(netip.MustParsePrefix("127.0.0.1/32"))}, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", tt.listen)
			if err != nil {
				t.Fatal(err)
			}
			g := &gateway{options: options{Listen: tt.listen, Events: true, Proxy: tt.proxy}}
			g.bridge = &bridge.Bridge{Policy: g.policy(l), Open: g.private(l), Log: &g.log}
			if got, want := g.bridge.Policy.Discreet, tt.want != http.StatusOK; got != want {
				t.Errorf("discreet is %v, want %v", got, want)
			}
			server := &http.Server{Handler: g.routes(nil)}
			go func() { _ = server.Serve(l) }()
			t.Cleanup(func() { _ = server.Close() })
			_, port, err := net.SplitHostPort(l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/events", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Forwarded-For", "127.0.0.1")
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if got := resp.StatusCode; got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// Without events there is nothing to tell, and the page is what lies there.
func TestNoEvents(t *testing.T) {
	g := &gateway{options: options{Listen: "127.0.0.1:8080"}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g.bridge = &bridge.Bridge{Policy: g.policy(l), Open: true}
	page, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	g.routes(page).ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1:8080/events", nil))
	if got, want := w.Code, http.StatusNotFound; got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}

func TestLocal(t *testing.T) {
	for addr, want := range map[string]bool{"127.0.0.1:0": true, "[::1]:0": true, "0.0.0.0:0": false, ":0": false} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Logf("%s: %v", addr, err) // a machine without IPv6
			continue
		}
		if got := local(l); got != want {
			t.Errorf("local(%s) = %v, want %v", addr, got, want)
		}
		_ = l.Close()
	}
}
