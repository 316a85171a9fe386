//go:build !js

package netconn_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"porthole/gateway/bridge"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gateway is the address of a gateway that lets pages listen on the loopback. It
// ends with the test, and must have nothing left by then.
func gateway(t testing.TB) string {
	t.Helper()
	b := &bridge.Bridge{Policy: bridge.Policy{
		Targets: []bridge.Target{{Host: "127.0.0.1", Port: 1}}, // no one listens there
		Listen:  []bridge.Target{{Host: "127.0.0.0/8", Port: 1024, Last: 65535}},
	}}
	server := httptest.NewServer(b)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := b.Shutdown(ctx); err != nil {
			t.Errorf("the gateway does not end: %v", err)
		}
		server.Close()
	})
	return strings.Replace(server.URL, "http", "ws", 1)
}
