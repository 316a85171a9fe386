package e2e_test

import (
	"context"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// Neon's driver reaches a PostgreSQL that knows nothing of WebSockets, with its start-up
// in one go, and learns when it has none.
func TestNeon(t *testing.T) {
	site := clientSite(t)
	_, clear := postgresServer(t, "password", "secret")
	_, scram := postgresServer(t, "scram-sha-256", "secret")
	rude := serve(t, func(c *net.TCPConn) {
		_, _ = c.Read(make([]byte, 1))
		_ = c.SetLinger(0)
	})
	nobody := "127.0.0.1:1"
	_, url := gateway(t, "--dialect", "neon", "--origin", site, "--target", clear, "--target", scram, "--target", rude, "--target", nobody)
	to := map[string]any{
		"gateway": strings.TrimPrefix(url, "http://"), "host": "127.0.0.1", "port": portOf(t, clear), "scram": portOf(t, scram),
		"rude": portOf(t, rude), "nobody": portOf(t, nobody), "user": "porthole", "password": "secret",
	}
	want := []string{
		"password 你好哇咔咔", "rows 10000 哇咔咔10000", "bytes true", "error 22012",
		"rollback 10000 10000", "commit 10000 10001", "pool 190",
		"dropped 57P01, and ended",
		"rude Connection terminated unexpectedly, closed 1011 ECONNRESET: read",
		"nobody Connection terminated unexpectedly, closed 1011 ECONNREFUSED: connect",
		"unlisted fails, closed 1006",
		"wrong 28P01, closed 1000 TCP connection is closed",
		"default 你好", "closed 1000 TCP connection is closed",
		"scram 哇咔咔", "wrong 28P01, closed 1000 TCP connection is closed",
	}
	node, err := exec.LookPath("node")
	needs(t, err == nil, "node")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, node, "npm/node.mjs", "neon", encode(t, to)).CombinedOutput()
	if got := strings.Split(strings.TrimSpace(string(out)), "\n"); err != nil || !slices.Equal(got, want) {
		t.Errorf("in Node it says %q, want %q: %v", got, want, err)
	}
	saysInPage(t, site, "neon", to, want, "Unexpected response code: 400", "WebSocket is already in CLOSING or CLOSED state")
}
