package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, netPage) })
	mux.HandleFunc("/favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for _, name := range []string{"net.mjs", "net.cjs"} {
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
			http.ServeFile(w, r, filepath.Join(dir, name))
		})
	}
	mux.Handle("/test/", http.StripPrefix("/test/", http.FileServer(http.Dir(filepath.Join(netPackage, "test")))))
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	return site.Listener.Addr().String()
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
	path := filepath.Join(t.TempDir(), "echo")
	unix, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close() })
	go func() {
		for {
			c, err := unix.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	url := netGateway(t, at, "--target", path)
	strict := netGateway(t, at, "--allow-listen", "127.0.0.2:9000") // pages listen nowhere else
	b := browser.Start(t)
	for _, tests := range []string{"all.js", "page/all.js"} {
		t.Run(tests, func(t *testing.T) {
			p := b.Open(t, "http://"+at+"/?tests=./test/"+tests+"&gateway="+socket(url)+"&path="+path+"&strict="+socket(strict)+"&only="+os.Getenv("NET"), browser.Visitor{})
			p.Allow("WebSocket connection to 'ws://127.0.0.1:1/ws'") // a gateway that is not there
			runNet(t, p)
		})
	}
}

// A page reaches its own servers by name, whatever its gateway's targets are.
func TestNetOnOtherGateways(t *testing.T) {
	at := netServer(t, bundle(t))
	b := browser.Start(t)
	for name, args := range map[string][]string{
		"no target by name":         {"--target", "127.0.0.1:1"},
		"a loopback of its own":     {"--session-loopback"},
		"… and the loopback listed": {"--session-loopback", "--target", "localhost:1-65535", "--target", "127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, url := gateway(t, append(args, "--origin", "http://"+at, "--greeter", "127.0.0.1:0")...)
			runNet(t, b.Open(t, "http://"+at+"/?tests=./test/all.js&gateway="+socket(url)+"&only=chapter", browser.Visitor{}))
		})
	}
}

// What the package's README shows works, as it stands there.
func TestNetReadme(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(netPackage, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	script := regexp.MustCompile(`(?s)    <script type="module">.*?</script>`).FindString(string(readme))
	at := netServer(t, bundle(t))
	greeter := serve(t, func(c *net.TCPConn) {
		buf := make([]byte, 1024)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			_, _ = c.Write(append([]byte("你好"), buf[:n]...))
		}
	})
	_, port, _ := net.SplitHostPort(greeter)
	_, url := gateway(t, "--origin", "http://"+at, "--target", "localhost:"+port)
	for from, to := range map[string]string{"ws://127.0.0.1:8080/ws": socket(url), "1234": port, "./dist/": "/", "</script>": "", `<script type="module">`: ""} {
		if !strings.Contains(script, from) {
			t.Fatalf("the README's page lacks %q: %s", from, script)
		}
		script = strings.ReplaceAll(script, from, to)
	}
	p := browser.Start(t).Open(t, "http://"+at+"/test/page/", browser.Visitor{})
	eval(t, p, fmt.Sprintf(`import('data:text/javascript,' + encodeURIComponent(%q)).then(() => {}, e => { throw e })`, strings.ReplaceAll(script, "'/net.mjs'", "'http://"+at+"/net.mjs'")), nil)
	const says = "你好哇咔咔, and: nc "
	p.Wait(`document.body.innerText.includes('` + says + `')`)
	var text string
	eval(t, p, `document.body.innerText.split('`+says+`')[1]`, &text)
	c, err := net.Dial("tcp", strings.Replace(strings.TrimSpace(text), " ", ":", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := io.ReadAll(c); string(got) != "hello from a page\n" || err != nil {
		t.Errorf("nc reads %q, %v", got, err)
	}
}

// The package works in a worker, which import maps do not reach.
func TestNetInAWorker(t *testing.T) {
	at := netServer(t, bundle(t))
	url := netGateway(t, at)
	p := browser.Start(t).Open(t, "http://"+at+"/test/page/", browser.Visitor{})
	var got string
	eval(t, p, `new Promise((resolve, reject) => {
		const worker = new Worker('/test/page/worker.js', { type: 'module' })
		worker.onmessage = e => resolve(e.data)
		worker.onerror = e => reject(e.message)
		worker.postMessage('`+socket(url)+`')
	})`, &got)
	if want := "你好哇咔咔"; got != want {
		t.Errorf("the worker says %q, want %q", got, want)
	}
}

// The package works in Node, by require, and ends when it is told to.
func TestNetOutsideOfAPage(t *testing.T) {
	dir := bundle(t)
	node, err := exec.LookPath("node")
	needs(t, err == nil, "node")
	ws, err := filepath.Abs("../tools/node_modules/ws")
	needs(t, err == nil && exists(ws), "ws: npm ci in internal/tools")
	_, url := gateway(t, "--target", "127.0.0.1:1")
	run := exec.CommandContext(t.Context(), node, filepath.Join(netPackage, "test/outside.cjs"), filepath.Join(dir, "net.cjs"), ws, socket(url))
	out, err := run.CombinedOutput()
	if want := "哇咔咔 true true\n"; err != nil || string(out) != want {
		t.Errorf("it says %q, %v, want %q", out, err, want)
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
