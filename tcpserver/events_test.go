//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// get asks p for its events.
func get(t *testing.T, url string, edit func(*http.Request)) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(req)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// Whoever reads the events has all of them, the server's close too, and then an
// orderly end.
func TestEventsOverHTTP(t *testing.T) {
	for _, accept := range []string{"application/x-ndjson", "text/event-stream"} {
		t.Run(accept, func(t *testing.T) {
			p := start(t)
			c := dial(t, "tcp", p.addr)
			talk(t, c, "x", "你好x")
			resp := get(t, p.events, func(r *http.Request) { r.Header.Set("Accept", accept) })
			if got := resp.Header.Get("Content-Type"); got != accept {
				t.Errorf("Content-Type %s, want %s", got, accept)
			}
			hangUp(t, c)
			p.signal(t, syscall.SIGTERM)
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Errorf("the stream breaks: %v", err)
			}
			p.wait(t)
			var got []string
			for line := range strings.Lines(string(body)) {
				if accept == "text/event-stream" {
					var ok bool
					if line, ok = strings.CutPrefix(line, "data: "); !ok {
						continue
					}
				}
				var e struct{ Event, Text string }
				if err := json.Unmarshal([]byte(line), &e); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				got = append(got, strings.TrimSpace(e.Event+" "+e.Text))
			}
			// The order to close may be carried out while the connection still ends.
			told := len(got)
			got = slices.DeleteFunc(got, func(e string) bool { return e == "close()" })
			if n := told - len(got); n != 1 {
				t.Errorf("close() is told %d times, want once", n)
			}
			want := []string{"listening", "connection", "data x", "write() 你好x", "end", "end()", "close", "close"}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestEventsPaths(t *testing.T) {
	p := start(t)
	root := strings.TrimSuffix(p.events, "/events")
	for path, want := range map[string]int{"/events": 200, "/": 200, "/other": 404, "/events/": 404} {
		if got := get(t, root+path, nil).StatusCode; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

func TestEventsOff(t *testing.T) {
	p := launch(t, "TCPSERVER_EVENTS=", "--listen=127.0.0.1:0")
	p.stdout.until(t, "^listening")
	p.stderr.until(t, "listening")
	p.signal(t, syscall.SIGTERM)
	p.wait(t)
	if got := p.stdout.String(); strings.Contains(got, "events") {
		t.Errorf("it says %q", got)
	}
}

func TestEventsOnUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	p := launch(t, "--listen=127.0.0.1:0", "--events="+path)
	p.stdout.until(t, "try: curl -N --unix-socket "+path+" http://localhost/events$")
	c := dial(t, "unix", path)
	fmt.Fprint(c, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if line, err := bufio.NewReader(c).ReadString('\n'); line != "HTTP/1.1 200 OK\r\n" {
		t.Errorf("%q, %v", line, err)
	}
}

// A reader that takes nothing holds up neither the sockets nor the end.
func TestEventsReaderThatTakesNothing(t *testing.T) {
	const messages = 5000
	p := start(t, "--grace=1s")
	u, err := url.Parse(p.events)
	if err != nil {
		t.Fatal(err)
	}
	reader := dial(t, "tcp", u.Host)
	fmt.Fprintf(reader, "GET /events HTTP/1.1\r\nHost: %s\r\n\r\n", u.Host)
	if line, err := bufio.NewReaderSize(reader, 16).ReadString('\n'); line != "HTTP/1.1 200 OK\r\n" {
		t.Fatalf("%q, %v", line, err)
	}
	c := dial(t, "tcp", p.addr)
	message := strings.Repeat("x", 1000)
	for range messages {
		talk(t, c, message, "你好"+message)
	}
	hangUp(t, c)
	start := time.Now()
	p.signal(t, syscall.SIGTERM)
	if status := p.wait(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if took, most := time.Since(start), 10*time.Second; took > most {
		t.Errorf("it took %v, want %v at most", took, most)
	}
	p.stderr.until(t, ` close$`)
}
