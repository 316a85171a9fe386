package e2e_test

import (
	"encoding/json"
	"fmt"

	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"porthole/internal/browser"
)

// netPackage is the folder of the npm package.
const netPackage = "../../web/net"

// needs skips a test where something is missing that it needs, or fails it if the
// environment says that all must run.
func needs(t *testing.T, there bool, what string) {
	t.Helper()
	switch {
	case there:
	case os.Getenv("BROWSER") == "required":
		t.Fatalf("%s is missing", what)
	default:
		t.Skipf("%s is missing", what)
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// bundle builds the npm package into a folder of the test's.
func bundle(t *testing.T) (dir string) {
	t.Helper()
	dependOn(t, "web/net/src", "web/net/test", "web/net/build.sh", "web/net/package-lock.json")
	needs(t, exists(filepath.Join(netPackage, "node_modules/readable-stream/package.json")), "readable-stream: npm ci in web/net")
	dir = t.TempDir()
	build := exec.Command(filepath.Join(netPackage, "build.sh"), dir)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	return dir
}

// The tests of the package hold for Node's own net: so they are right.
func TestNetInNode(t *testing.T) {
	dependOn(t, "web/net/test")
	node, err := exec.LookPath("node")
	needs(t, err == nil, "node")
	run := exec.Command(node, filepath.Join(netPackage, "test/run.js"))
	out, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(out), " passed, 0 failed") {
		t.Errorf("%v: %v\n%s", run, err, out)
	}
	t.Logf("%s", out)
}

const netPage = `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>net</title>
<script type="importmap">{"imports": {"net": "./net.mjs"}}</script>
<script type="module">
import net from 'net'
const query = new URLSearchParams(location.search)
net.configure({ url: query.get('gateway') })
await import(query.get('tests'))
const { runAll } = await import('./test/kit.js')
const say = line => { line.startsWith('pass') || console.log(line) }
globalThis.results = await runAll(say, query.get('only') ?? '').catch(error => [{ name: 'all', outcome: 'fail', why: String(error) }])
</script>`

// netServer serves the bundle, its tests and a page that runs them.
func netServer(t *testing.T, dir string) (host string) {
	t.Helper()
	l := listen(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, netPage) })
	for _, name := range []string{"net.mjs", "net.cjs"} {
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
			http.ServeFile(w, r, filepath.Join(dir, name))
		})
	}
	mux.Handle("/test/", http.StripPrefix("/test/", http.FileServer(http.Dir(filepath.Join(netPackage, "test")))))
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(l) }() // until the test ends
	t.Cleanup(func() { _ = server.Close() })
	return l.Addr().String()
}

// netGateway is a gateway whose pages may dial whatever is on the loopback.
func netGateway(t *testing.T, page string, args ...string) (url string) {
	t.Helper()
	_, url = gateway(t, append([]string{"--origin", "http://" + page, "--greeter", "127.0.0.1:0",
		"--target", "127.0.0.1:1", "--target", "127.0.0.0/8:1-65535", "--target", "[::1]:1-65535", "--target", "localhost:1-65535"}, args...)...)
	return url
}

// netResult is what became of one test of the package.
type netResult struct{ Name, Outcome, Why string }

// runNet runs tests of the package in a page, and wants each to pass.
func runNet(t *testing.T, p *browser.Page) {
	t.Helper()
	p.Patience = 3 * time.Minute
	p.Wait(`globalThis.results !== undefined`)
	var all json.RawMessage
	eval(t, p, `results`, &all)
	var results []netResult
	if err := json.Unmarshal(all, &results); err != nil {
		t.Fatal(err)
	}
	if len(results) == 0 {
		t.Error("there are no tests")
	}
	for _, r := range results {
		if r.Outcome != "pass" {
			t.Errorf("%s: %s %s", r.Name, r.Outcome, r.Why)
		}
	}
	t.Logf("%d tests in the page", len(results))
}

// The same tests hold in a page, over a gateway, and so do those of what only a
// page has.
func TestNetInThePage(t *testing.T) {
	at := netServer(t, bundle(t))
	url := netGateway(t, at)
	b := browser.Start(t)
	for _, tests := range []string{"all.js", "page/all.js"} {
		t.Run(tests, func(t *testing.T) {
			p := b.Open(t, "http://"+at+"/?tests=./test/"+tests+"&gateway="+socket(url)+"&only="+os.Getenv("NET"), browser.Visitor{})
			p.Allow("WebSocket connection to 'ws://127.0.0.1:1/ws'") // a gateway that is not there
			runNet(t, p)
		})
	}
}

// What the package weighs, readable-stream inside.
func TestNetWeighsLittle(t *testing.T) {
	const most = 40 << 10 // bytes, brotli
	dir := bundle(t)
	node, err := exec.LookPath("node")
	needs(t, err == nil, "node")
	for _, name := range []string{"net.mjs", "net.cjs"} {
		out, err := exec.Command(node, "-p", "zlib.brotliCompressSync(fs.readFileSync(process.argv[1])).length", filepath.Join(dir, name)).Output()
		if err != nil {
			t.Fatal(err)
		}
		var size int
		if _, err := fmt.Sscan(string(out), &size); err != nil {
			t.Fatal(err)
		}
		if size > most {
			t.Errorf("%s: %d bytes of brotli, want at most %d", name, size, most)
		}
		t.Logf("%s: %d bytes of brotli", name, size)
	}
}
