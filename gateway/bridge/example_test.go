package bridge_test

import (
	"context"
	"net/http"
	"time"

	"porthole/gateway/bridge"
)

// A router serves pages, and on /ws the sockets that they may have.
func ExampleBridge() {
	b := &bridge.Bridge{Policy: bridge.Policy{
		Hosts:   []string{"app.example.org"},
		Origins: []string{"https://app.example.org"},
		Targets: []bridge.Target{{Host: "localhost", Port: 1234}},
	}}
	mux := http.NewServeMux()
	mux.Handle("/ws", b)
	server := &http.Server{Addr: "127.0.0.1:8080", Handler: mux, ReadHeaderTimeout: 5 * time.Second}

	// To end it, tell the pages first: the server does not know their sockets.
	leave := func(ctx context.Context) {
		_ = b.Shutdown(ctx)      // what does not end in time is cut
		_ = server.Shutdown(ctx) // what still hangs on has had its time
	}
	_ = leave
}
