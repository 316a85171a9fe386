package e2e_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"porthole/internal/browser"
)

const programPage = `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>npm</title>
<script type="module">
const query = new URLSearchParams(location.search)
globalThis.gateway = query.get('gateway')
globalThis.said = []
const { run } = await import('./programs/' + query.get('program') + '.js')
await run(JSON.parse(query.get('to')), line => said.push(line)).catch(error => said.push(String(error?.stack ?? error)))
globalThis.over = true
</script>`

// runProgram runs a program from npm, in Node and in a page, against a server at an
// address. It says the same lines in both, which match.
func runProgram(t *testing.T, name, addr string, to map[string]any, want ...string) {
	t.Helper()
	dependOn(t, "internal/e2e/npm")
	needs(t, exists("npm/node_modules/node-stdlib-browser/package.json"), "what runs in a page: npm ci in internal/e2e/npm")
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	to["host"] = host
	to["port"], _ = strconv.Atoi(port)
	json, err := json.Marshal(to)
	if err != nil {
		t.Fatal(err)
	}

	node, err := exec.LookPath("node")
	needs(t, err == nil, "node")
	out, err := exec.Command(node, "npm/node.mjs", name, string(json)).CombinedOutput()
	if got := strings.Split(strings.TrimSpace(string(out)), "\n"); err != nil || !slices.Equal(got, want) {
		t.Errorf("in Node it says %q, want %q: %v", got, want, err)
	}

	dir := bundle(t)
	must(t, "npm/bundle.sh", dir)
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte(programPage), 0o666); err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(site.Close)
	_, url := gateway(t, "--origin", site.URL, "--target", addr, "--target", net.JoinHostPort(host, "1"))
	query := neturl.Values{"program": {name}, "gateway": {socket(url)}, "to": {string(json)}}
	p := browser.Start(t).Open(t, site.URL+"/?"+query.Encode(), browser.Visitor{})
	p.Patience = time.Minute
	p.Wait(`globalThis.over`)
	var said []string
	eval(t, p, `said`, &said)
	if !slices.Equal(said, want) {
		t.Errorf("in the page it says %q, want %q", said, want)
	}
}

func TestIoredis(t *testing.T) {
	runProgram(t, "redis", redisServer(t), map[string]any{},
		"GET 你好哇咔咔", "INCR 1000", "GET 3145728", "message 哇咔咔", "error ECONNREFUSED")
}

func TestPg(t *testing.T) {
	_, addr := postgresServer(t, "scram-sha-256", "secret")
	runProgram(t, "pg", addr, map[string]any{"password": "secret"},
		"rows 10000 哇咔咔10000", "error 22012", "pool 190", "error 28P01")
}

func TestMQTT(t *testing.T) {
	runProgram(t, "mqtt", mosquitto(t), map[string]any{},
		"porthole/news 哇咔咔0", "porthole/news 哇咔咔1", "porthole/news 哇咔咔2")
}

func TestSSH2(t *testing.T) {
	addr, user, key, _ := sshServer(t, "ecdsa")
	uname := strings.TrimSpace(must(t, "uname", "-a"))
	runProgram(t, "ssh2", addr, map[string]any{"user": user, "key": key}, "uname "+uname, "bytes 5000000")
}
