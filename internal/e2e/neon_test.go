package e2e_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Neon's driver, as npm has it, reaches a PostgreSQL: with all that it begins with in
// one message, and step by step; and it is told when its server is gone, or was never
// there.
func TestNeon(t *testing.T) {
	site := clientSite(t)
	_, addr := postgresServer(t, "password", "secret") // what is sent ahead has the password in the clear
	_, url := gateway(t, "--dialect", "neon", "--origin", site, "--target", addr, "--target", "127.0.0.1:1")
	to := map[string]any{
		"host": "127.0.0.1", "port": portOf(t, addr), "password": "secret",
		"dialect": strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"),
	}
	var want []string
	for range 2 {
		want = append(want, "rows 10000 哇咔咔10000", "kept 10000", "dropped true")
	}
	want = append(want, "refused")
	node, err := exec.LookPath("node")
	needs(t, err == nil, "node")
	out, err := exec.CommandContext(t.Context(), node, "npm/node.mjs", "neon", encode(t, to)).CombinedOutput()
	if got := strings.Split(strings.TrimSpace(string(out)), "\n"); err != nil || !slices.Equal(got, want) {
		t.Errorf("in Node it says %q, want %q: %v", got, want, err)
	}
	saysInPage(t, site, "neon", to, want)
}
