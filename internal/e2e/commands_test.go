package e2e_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"
)

// event is what these tests want of a line of an event stream.
type event struct {
	Event, Side, Local, Remote string
	Start, Return              int64
}

// at is when it happened, as wire.Event.At has it.
func (e event) at() int64 {
	if strings.HasSuffix(e.Event, "()") {
		return e.Start
	}
	return e.Return
}

// follow reads an event stream and passes its events on.
func follow(t testing.TB, url string) <-chan event {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, resp.Status)
	}
	events := make(chan event, 1024)
	go func() {
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			var e event
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				events <- e
			}
		}
		close(events)
	}()
	return events
}

// greet opens a raw WebSocket, sends 哇咔咔 and wants 你好哇咔咔. The WebSocket is
// the caller's.
func greet(t testing.TB, url string) *websocket.Conn {
	t.Helper()
	ws, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(url, "http")+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	if err := ws.Write(t.Context(), websocket.MessageText, []byte("哇咔咔")); err != nil {
		t.Fatal(err)
	}
	_, answer, err := ws.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(answer), "你好哇咔咔"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	return ws
}

// With no option at all, a tcpserver in one terminal and a gateway in another
// work together, and the gateway tells the events of both ends.
func TestTwoTerminals(t *testing.T) {
	for _, addr := range []string{"localhost:1234", "127.0.0.1:1235", "127.0.0.1:8080"} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Skipf("%s is taken on this machine: %v", addr, err)
		}
		_ = l.Close()
	}
	server := start(t, bin+"/tcpserver")
	if got, want := server.line("listening on "), "localhost:1234 "; !strings.HasPrefix(got, want) {
		t.Fatalf("tcpserver listens on %q, want %q", got, want)
	}
	gw := start(t, bin+"/gateway")
	url := gw.line("open ")
	if want := "http://127.0.0.1:8080"; url != want {
		t.Fatalf("open %q, want %q", url, want)
	}
	events := follow(t, url+"/events")
	ws := greet(t, url)
	_ = ws.Close(websocket.StatusNormalClosure, "")
	wantBothEnds(t, events)
}

// Alone, the gateway brings its own greeter.
func TestGatewayAlone(t *testing.T) {
	l, err := net.Listen("tcp", "localhost:1234")
	if err != nil {
		t.Skipf("localhost:1234 is taken on this machine: %v", err)
	}
	_ = l.Close()
	gw, url := gateway(t)
	events := follow(t, url+"/events")
	ws := greet(t, url)
	_ = ws.Close(websocket.StatusNormalClosure, "")
	wantBothEnds(t, events)
	gw.term()
	if got := gw.wait(); got != 0 {
		t.Errorf("exit status %d, want 0", got)
	}
}

// wantBothEnds wants every event of a greeting, each end's in true order, and
// the two ends to have each other's addresses.
func wantBothEnds(t *testing.T, events <-chan event) {
	t.Helper()
	var seen []event
	for closed := 0; closed < 2; {
		e := got(t, "event", events)
		seen = append(seen, e)
		if e.Event == "close" {
			closed++
		}
	}
	slices.SortStableFunc(seen, func(a, b event) int { return cmp.Compare(a.at(), b.at()) })
	order := map[string][]string{}
	var client, server event
	for _, e := range seen {
		order[e.Side] = append(order[e.Side], e.Event)
		switch e.Event {
		case "connect":
			client = e
		case "connection":
			server = e
		}
	}
	// The client's last calls race with the server's answer to its end.
	if got, want := strings.Join(order["client"], " "), "lookup connect write() data end()"; !strings.HasPrefix(got, want) {
		t.Errorf("client: %s, want %s …", got, want)
	}
	if got, want := strings.Join(order["server"], " "), "listening connection data write() end end() close"; got != want {
		t.Errorf("server: %s, want %s", got, want)
	}
	if client.Local != server.Remote || client.Remote != server.Local {
		t.Errorf("client %s → %s, server %s ← %s", client.Local, client.Remote, server.Local, server.Remote)
	}
}

// A signal ends the gateway in order: live pages get 1001, and it exits with 0.
func TestGatewaySignal(t *testing.T) {
	gw, url := gateway(t, "--target", serve(t, echo))
	ws, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(url, "http")+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	gw.term()
	_, _, err = ws.Read(t.Context())
	if got := websocket.CloseStatus(err); got != websocket.StatusGoingAway {
		t.Errorf("close status %v (%v), want 1001", got, err)
	}
	if got := gw.wait(); got != 0 {
		t.Errorf("exit status %d, want 0", got)
	}
}

// What cannot be served says why, and what to try.
func TestCannotStart(t *testing.T) {
	taken := listen(t).Addr().String()
	for name, tc := range map[string]struct {
		command string
		args    []string
		want    []string
	}{
		"gateway, port in use":   {"gateway", []string{"--listen", taken}, []string{"address already in use", taken, "--listen"}},
		"tcpserver, port in use": {"tcpserver", []string{"--listen", taken}, []string{"address already in use", taken, "--listen"}},
		"target without port":    {"gateway", []string{"--target", "localhost"}, []string{"target", `"localhost"`, "host:port"}},
		"unknown option":         {"gateway", []string{"--taget", "x:1"}, []string{"unknown flag", "--help"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, bin+"/"+tc.command, tc.args...)
			if got := p.wait(); got != 1 {
				t.Errorf("exit status %d, want 1", got)
			}
			for _, want := range tc.want {
				if !strings.Contains(p.stderr.String(), want) {
					t.Errorf("stderr lacks %q:\n%s", want, p.stderr.String())
				}
			}
		})
	}
}

// Requests by another name, or for another site's page, get nothing.
func TestStrangers(t *testing.T) {
	_, url := gateway(t, "--target", serve(t, echo), "--origin", "https://porthole.example")
	for name, tc := range map[string]struct {
		path, host, origin string
		want               int
	}{
		"own page":             {"/", "", "", 200},
		"rebound page":         {"/", "evil.example", "", 421},
		"rebound events":       {"/events", "evil.example", "", 421},
		"rebound health":       {"/healthz", "evil.example", "", 421},
		"rebound upgrade":      {"/ws", "evil.example", "http://evil.example", 421},
		"foreign page upgrade": {"/ws", "", "https://evil.example", 403},
		"foreign page events":  {"/events", "", "https://evil.example", 403},
		"named origin's host":  {"/healthz", "porthole.example", "", 200},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+tc.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tc.host != "" {
				req.Host = tc.host
			}
			if tc.origin != "" {
				req.Header.Set("Origin", tc.origin)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != tc.want {
				t.Errorf("got %s, want %d", resp.Status, tc.want)
			}
			if got := resp.Header.Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("Access-Control-Allow-Origin: %s, want none", got)
			}
		})
	}
}
