package main

import (
	"context"
	"net/http"
	"testing"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"
)

// Clients of Neon's wsproxy come by its paths and by those that were named, each with
// his key, or a ticket, to what is his.
func TestNeonKeys(t *testing.T) {
	b := build(t, "--dialect", "neon", "--dialect", "neon=/db")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, tt := range []struct {
		path      string
		key       key
		protocols []string
		want      int
	}{
		{"/v1?address=" + b.two, bearer(bobKey), nil, 101},
		{"/v2?address=" + b.two, bearer(bobKey), nil, 101},
		{"/db?address=" + b.two, bearer(bobKey), nil, 101},
		{"/v2", bearer(bobKey), nil, 101},
		{"/v1?address=" + b.one, bearer(bobKey), nil, 400},
		{"/v1?address=" + b.two, noKey, nil, 401},
		{"/v1?address=" + b.two, noKey, []string{"binary", b.ticket(bearer(bobKey))}, 101},
		{"/v1?address=" + b.one, noKey, []string{"binary", b.ticket(bearer(aliceKey), b.two)}, 400},
		{"/v3?address=" + b.two, bearer(bobKey), nil, 404},
	} {
		ws, resp, err := websocket.Dial(ctx, b.url+tt.path, &websocket.DialOptions{
			HTTPClient: client, HTTPHeader: http.Header{"X-Forwarded-For": {"192.0.2.1"}, tt.key.header: {tt.key.value}}, Subprotocols: tt.protocols,
		})
		if resp == nil {
			t.Fatal(err)
		}
		if resp.StatusCode != tt.want {
			t.Errorf("%s: %s, want %d", tt.path, resp.Status, tt.want)
		}
		if err != nil {
			continue
		}
		if err := ws.Write(ctx, websocket.MessageBinary, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, got, err := ws.Read(ctx); string(got) != "x" {
			t.Errorf("%s: got %q, %v, want the echo", tt.path, got, err)
		}
		_ = ws.CloseNow()
	}
}
