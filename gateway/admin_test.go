package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
)

// Operators read what the gateway does where they asked for it, and no one reads
// it where the page is.
func TestAdmin(t *testing.T) {
	logs, stderr := io.Pipe()
	admin := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(logs)
		for lines.Scan() {
			if m := regexp.MustCompile(`operators are served.* addr=(\S+)`).FindStringSubmatch(lines.Text()); m != nil {
				admin <- m[1]
			}
		}
	}()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := gone.Addr().String()
	_ = gone.Close()
	page, end := begin(t, stderr, "--greeter", "127.0.0.1:0", "--admin", "127.0.0.1:0")
	operators := "http://" + <-admin

	ws, _, err := websocket.Dial(t.Context(), page+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	if err := ws.Write(t.Context(), websocket.MessageBinary, []byte("哇咔咔")); err != nil {
		t.Fatal(err)
	}
	if _, msg, err := ws.Read(t.Context()); err != nil || string(msg) != "你好哇咔咔" {
		t.Fatalf("got %q, %v", msg, err)
	}
	other, _, err := websocket.Dial(t.Context(), page+"/ws?target="+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.CloseNow()
	if _, _, err := other.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Fatalf("a target that is not listed: %v", err)
	}

	read := func(url string) (int, string) {
		t.Helper()
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	status, metrics := read(operators + "/metrics")
	for _, want := range []string{
		`porthole_bytes_total{direction="up"} 9`,
		`porthole_bytes_total{direction="down"} 15`,
		`porthole_refused_total{reason="target"} 1`,
		`porthole_dial_seconds_count{code="",phase="dial"} 1`,
		`porthole_events_lost_total 0`,
		`porthole_credit_stalls_total 0`,
		"process_open_fds",
	} {
		if status != 200 || !strings.Contains(metrics, want) {
			t.Errorf("%d, and no %q in\n%s", status, want, metrics)
		}
	}
	for path, want := range map[string]int{"/readyz": 200, "/debug/pprof/": 200, "/debug/pprof/heap": 200, "/": 404} {
		if got, _ := read(operators + path); got != want {
			t.Errorf("operators get %d for %s, want %d", got, path, want)
		}
	}
	for _, path := range []string{"/metrics", "/readyz", "/debug/pprof/"} {
		if got, _ := read(page + path); got != 404 {
			t.Errorf("all get %d for %s, want 404", got, path)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, operators+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "rebound.test"
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("by a name that is not ours: %d, want 421", resp.StatusCode)
	}
	end()
	_ = stderr.Close()
}

// Who asks whether the gateway is ready learns that it leaves.
func TestReadiness(t *testing.T) {
	g := &gateway{bridge: &bridge.Bridge{}, metrics: newMetrics()}
	for _, want := range []int{http.StatusOK, http.StatusServiceUnavailable} {
		w := httptest.NewRecorder()
		g.adminRoutes().ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1/readyz", nil))
		if w.Code != want {
			t.Errorf("leaving is %v: %d, want %d", g.leaving.Load(), w.Code, want)
		}
		g.leaving.Store(true)
	}
}
