package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/internal/bustest"
	"porthole/web/netconn"
	"porthole/wire"
)

// nats starts a server for the bus, and returns its URL.
func nats(t *testing.T) string {
	t.Helper()
	url, _ := bustest.NATS(t, t.TempDir(), -1)
	return url
}

const annasKey, bertsKey = "anna-0123456789-0123456789", "bert-0123456789-0123456789"

// keysFile has anna, who may watch, and bert, who may not.
func keysFile(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(name, []byte("anna "+annasKey+" watch\nbert "+bertsKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// knock opens a WebSocket in raw mode with a key, and returns the status if it may
// not.
func knock(t *testing.T, url, key string) (*websocket.Conn, int) {
	t.Helper()
	h := http.Header{"Authorization": {"Bearer " + key}}
	ws, resp, err := websocket.Dial(t.Context(), strings.Replace(url, "http", "ws", 1)+"/ws", &websocket.DialOptions{HTTPHeader: h})
	switch {
	case err == nil:
		t.Cleanup(func() { _ = ws.CloseNow() })
		return ws, http.StatusSwitchingProtocols
	case resp == nil:
		t.Fatal(err)
	}
	return nil, resp.StatusCode
}

// Who may watch sees at one gateway what sockets do at another, and no one else
// does.
func TestFleetEvents(t *testing.T) {
	bus, keys := nats(t), keysFile(t)
	one, endOne := begin(t, io.Discard, "--bus", bus, "--keys", keys, "--greeter", "127.0.0.1:0")
	defer endOne()
	two, endTwo := begin(t, io.Discard, "--bus", bus, "--keys", keys, "--greeter", "127.0.0.1:0", "--trust-proxy", "127.0.0.9")
	defer endTwo()

	ask := func(key string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, two+"/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+key)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp
	}
	if resp := ask(bertsKey); resp.StatusCode != http.StatusForbidden {
		t.Errorf("bert gets the events: %s", resp.Status)
	}
	events := ask(annasKey)
	if events.StatusCode != http.StatusOK {
		t.Fatalf("anna gets no events: %s", events.Status)
	}
	ws, _ := knock(t, one, bertsKey)
	if err := ws.Write(t.Context(), websocket.MessageBinary, []byte("哇咔咔")); err != nil {
		t.Fatal(err)
	}
	ends := map[wire.Side]bool{}
	lines := bufio.NewScanner(events.Body)
	for len(ends) < 2 && lines.Scan() {
		var e wire.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if e.Kind == wire.Data {
			ends[e.Side] = true
			if e.Conn>>32 == 0 || e.Approx {
				t.Errorf("an event of the other gateway, on this machine: %+v", e)
			}
		}
	}
	if len(ends) < 2 {
		t.Errorf("of the two ends data of %v is seen: %v", ends, lines.Err())
	}
}

// A user has as many sessions as he may have on all gateways.
func TestFleetLimits(t *testing.T) {
	bus, keys := nats(t), keysFile(t)
	args := []string{"--bus", bus, "--keys", keys, "--greeter", "127.0.0.1:0", "--max-user", "2"}
	one, endOne := begin(t, io.Discard, args...)
	defer endOne()
	two, endTwo := begin(t, io.Discard, args...)
	defer endTwo()
	first, _ := knock(t, one, annasKey)
	knock(t, one, annasKey)
	if _, status := knock(t, one, annasKey); status != http.StatusTooManyRequests {
		t.Errorf("a third at the same gateway: %d, want 429", status)
	}
	until(t, "none more at the other", func() bool {
		ws, status := knock(t, two, annasKey)
		if ws != nil {
			_ = ws.CloseNow()
		}
		return status == http.StatusTooManyRequests
	})
	if _, status := knock(t, two, bertsKey); status != http.StatusSwitchingProtocols {
		t.Errorf("someone else: %d, want 101", status)
	}
	_ = first.CloseNow()
	until(t, "one more at the other", func() bool {
		_, status := knock(t, two, annasKey)
		return status == http.StatusSwitchingProtocols
	})
}

// A port is one page's on all gateways, until it listens no more.
func TestFleetPorts(t *testing.T) {
	bus := nats(t)
	var pages []*netconn.Dialer
	for range 2 {
		url, end := begin(t, io.Discard, "--bus", bus, "--greeter", "127.0.0.1:0")
		defer end()
		d := &netconn.Dialer{URL: strings.Replace(url, "http", "ws", 1) + "/ws"}
		defer d.Close()
		pages = append(pages, d)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	_ = l.Close()
	first, err := pages[0].Listen(t.Context(), "tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pages[1].Listen(t.Context(), "tcp", "127.0.0.2:"+port); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("the port is another's too: %v, want EADDRINUSE", err)
	}
	_ = first.Close()
	until(t, "the port is free", func() bool {
		_, err := pages[1].Listen(t.Context(), "tcp", "127.0.0.2:"+port)
		return err == nil
	})
}

// What happened before a restart is in the history of a bus that has a directory.
func TestBusEmbedded(t *testing.T) {
	dir := t.TempDir()
	var seen sync.Map
	for run := range 2 {
		url, end := begin(t, io.Discard, "--bus", "embedded:"+dir, "--greeter", "127.0.0.1:0")
		ws, _ := knock(t, url, "")
		if err := ws.Write(t.Context(), websocket.MessageBinary, []byte{'0' + byte(run)}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, url+"/events", nil)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(resp.Body)
		for n := 0; n <= run && lines.Scan(); {
			var e wire.Event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Fatal(err)
			}
			if e.Kind == wire.CallWrite && e.Side == wire.Client {
				n++
				seen.Store(string(e.Data), true)
			}
		}
		if _, ok := seen.Load("0"); !ok {
			t.Errorf("run %d does not show the first: %v", run, lines.Err())
		}
		_ = resp.Body.Close()
		stop()
		end()
	}
}

// A bus that is not there says so.
func TestBusFails(t *testing.T) {
	err := run(t.Context(), []string{"--listen", "127.0.0.1:0", "--greeter", "127.0.0.1:0", "--bus", "nats://:bad:url"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "--bus: bus nats://:bad:url: ") {
		t.Errorf("run: %v", err)
	}
}

// until waits for what comes by and by.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.After(30 * time.Second)
	for tick := time.Tick(20 * time.Millisecond); !ok(); {
		select {
		case <-tick:
		case <-end:
			t.Fatal("waited in vain: " + what)
		}
	}
}
