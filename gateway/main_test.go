package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"porthole/gateway/bridge"
	"porthole/web"
)

// The command serves the page and the rest from the moment that it says where,
// and ends without an error when it is told to.
func TestRun(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	var stderr bytes.Buffer
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"--listen", "127.0.0.1:0", "--target", "127.0.0.1:9"}, stdout, &stderr)
		_ = stdout.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v\n%s", <-done, &stderr)
	}
	url := strings.TrimSpace(strings.TrimPrefix(line, "open "))
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
	stop()
	if err := <-done; err != nil {
		t.Errorf("run: %v, want nil", err)
	}
}

// Events hold everyone's bytes: a gateway that others can reach tells none.
func TestEventsAreLocal(t *testing.T) {
	g := &gateway{options: options{Listen: "0.0.0.0:8080", Events: true}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.bridge = &bridge.Bridge{Policy: g.policy(l), Log: &g.log}
	server := &http.Server{Handler: g.routes(nil)}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	resp, err := http.Get("http://" + l.Addr().String() + "/events")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got, want := resp.StatusCode, http.StatusForbidden; got != want {
		t.Errorf("got %d, want %d", got, want)
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
	page, err := web.New(t.Context())
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
