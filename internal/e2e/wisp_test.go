package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
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

// clientPage runs a program with what npm has, as it is there.
const clientPage = `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Clients</title>
<script type="importmap">{"imports": {
	"@neondatabase/serverless": "./node_modules/@neondatabase/serverless/index.mjs",
	"@mercuryworkshop/wisp-js/client": "./node_modules/@mercuryworkshop/wisp-js/dist/wisp-client.mjs",
	"@mercuryworkshop/epoxy-tls/epoxy-bundled": "./node_modules/@mercuryworkshop/epoxy-tls/full/epoxy-bundled.js",
	"libcurl.js/bundled": "./node_modules/libcurl.js/libcurl_full.mjs"
}}</script>
<script type="module">
const query = new URLSearchParams(location.search)
globalThis.said = []
const { run } = await import('./' + query.get('program') + '.js')
await run(JSON.parse(query.get('to')), line => said.push(line)).catch(error => said.push(String(error?.stack ?? error)))
globalThis.over = true
</script>`

// clientSite serves the page, its programs and what they import.
func clientSite(t *testing.T) (url string) {
	t.Helper()
	dependOn(t, "internal/e2e/npm")
	for _, name := range []string{"@mercuryworkshop/wisp-js", "@mercuryworkshop/epoxy-tls", "libcurl.js", "@neondatabase/serverless"} {
		needs(t, exists(filepath.Join("npm/node_modules", name, "package.json")), name+": npm ci in internal/e2e/npm")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, clientPage) })
	mux.Handle("/", http.FileServer(http.Dir("npm")))
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	return site.URL
}

// saysInPage runs a program in Chromium, and wants it to say the lines. What the client
// notes on the console of its own is allowed.
func saysInPage(t *testing.T, site, program string, to map[string]any, want []string, notes ...string) {
	t.Helper()
	query := neturl.Values{"program": {program}, "to": {encode(t, to)}}
	p := browser.Start(t).Open(t, site+"/?"+query.Encode(), browser.Visitor{})
	p.Patience = time.Minute
	for _, note := range notes {
		p.Allow(note)
	}
	p.Wait(`globalThis.over`)
	var said []string
	eval(t, p, `said`, &said)
	if !slices.Equal(said, want) {
		t.Errorf("in the page it says %q, want %q", said, want)
	}
}

func encode(t *testing.T, to map[string]any) string {
	t.Helper()
	b, err := json.Marshal(to)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func portOf(t *testing.T, addr string) int {
	t.Helper()
	_, s, _ := net.SplitHostPort(addr)
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// wispAt is where a gateway serves clients of Wisp.
func wispAt(url string) string { return "ws" + strings.TrimPrefix(url, "http") + "/wisp/" }

// The client that Wisp's authors publish, v1 and v2, talks to a greeter, carries
// megabytes both ways in packets of any size, learns why it has no stream, and shows a
// key.
func TestWispJS(t *testing.T) {
	const key = "a-key-that-is-long-enough"
	site := clientSite(t)
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("alice "+key), 0o600); err != nil {
		t.Fatal(err)
	}
	_, greeter, _ := tcpserver(t)
	echoes, nobody := serve(t, echo), "127.0.0.1:1"
	args := []string{"--dialect", "wisp", "--origin", site, "--target", greeter, "--target", echoes, "--target", nobody}
	_, url := gateway(t, args...)
	_, guarded := gateway(t, append(args, "--keys", keys)...)
	to := map[string]any{
		"url": wispAt(url), "host": "127.0.0.1", "greeter": portOf(t, greeter), "echo": portOf(t, echoes), "nobody": portOf(t, nobody),
		"guarded": wispAt(guarded), "user": "alice", "key": key,
	}
	var want []string
	for _, version := range []string{"v1", "v2"} {
		want = append(want, version, "你好哇咔咔", "100 true", "65536 true", "1048576 true", "refused 44", "blocked 48")
	}
	want = append(want, "let in", "kept out")

	node, err := exec.LookPath("node")
	needs(t, err == nil, "node")
	out, err := exec.CommandContext(t.Context(), node, "npm/node.mjs", "wisp", encode(t, to)).CombinedOutput()
	if got := strings.Split(strings.TrimSpace(string(out)), "\n"); err != nil || !slices.Equal(got, want) {
		t.Errorf("in Node it says %q, want %q: %v", got, want, err)
	}
	saysInPage(t, site, "wisp", to, want)
}

// curl in a page fetches from a server that knows nothing of Wisp.
func TestLibcurlJS(t *testing.T) {
	site := clientSite(t)
	big := make([]byte, 3<<20)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/big":
			_, _ = w.Write(big)
		case "/count":
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n, err)
		default:
			fmt.Fprint(w, "你好", r.URL.Path)
		}
	}))
	t.Cleanup(server.Close)
	_, url := gateway(t, "--dialect", "wisp", "--origin", site, "--target", server.Listener.Addr().String(), "--target", "127.0.0.1:1")
	saysInPage(t, site, "curl", map[string]any{"url": wispAt(url), "site": server.URL, "nobody": "http://127.0.0.1:1"}, []string{
		"200 你好/哇咔咔", "down 3145728,3145728,3145728", "up 1048576 <nil>", "refused",
	}, `Request "http://127.0.0.1:1/" failed`)
}

// A client that was written in another language, from the specification.
func TestEpoxy(t *testing.T) {
	site := clientSite(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "你好", r.URL.Path) }))
	t.Cleanup(server.Close)
	echoes := serve(t, echo)
	_, url := gateway(t, "--dialect", "wisp", "--origin", site, "--target", server.Listener.Addr().String(), "--target", echoes, "--target", "127.0.0.1:1")
	saysInPage(t, site, "epoxy", map[string]any{"url": wispAt(url), "site": server.URL, "echo": echoes}, []string{
		"v2 200 你好/page", "as sent", "ended", "v1 200 你好/page", "as sent", "ended",
	})
}
