package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"porthole/internal/browser"
)

// wasm compiles a package for the page: with what the go command is told.
func wasm(t *testing.T, args ...string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "main.wasm")
	cmd := exec.Command("go", append(args, "-o", file)...)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return file
}

// programs serves a page that runs a program in WebAssembly, with arguments, under
// Go's own loader; exit is its status once it has ended.
func programs(t *testing.T, file string) (origin string, run func(args ...string) (url string)) {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/wasm_exec.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
	})
	mux.HandleFunc("/main.wasm", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,"><script src="wasm_exec.js"></script><script>
			const go = new Go();
			go.argv = ['main', ...new URLSearchParams(location.search).getAll('arg')];
			go.exit = code => { globalThis.exit = code };
			WebAssembly.instantiateStreaming(fetch('main.wasm'), go.importObject).then(({ instance }) => go.run(instance));
		</script>`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, func(args ...string) string {
		return server.URL + "/?" + url.Values{"arg": args}.Encode()
	}
}

// The tests of package netconn pass in the browser as they do outside of one.
func TestNetconnInThePage(t *testing.T) {
	dependOn(t, "web/netconn", "web/client", "wire")
	origin, run := programs(t, wasm(t, "test", "-c", "porthole/web/netconn"))
	gw, at := gateway(t, "--origin", origin, "--target", "127.0.0.1:1", "--greeter", "127.0.0.1:0")
	p := browser.Start(t).Open(t, run("-test.v", "-gateway="+strings.Replace(at, "http", "ws", 1)+"/ws"), browser.Visitor{})
	p.Allow("WebSocket connection to 'ws://127.0.0.1:1/ws'") // a gateway that is not there
	p.Patience = 2 * time.Minute
	p.Wait(`globalThis.exit !== undefined`)
	var code int
	eval(t, p, `exit`, &code)
	log := strings.Join(p.Console(), "\n")
	if code != 0 || !strings.Contains(log, "--- PASS: TestConn ") || strings.Contains(log, "--- SKIP") {
		t.Errorf("exit status %d:\n%s", code, log)
	}
	gw.term()
	if got := gw.wait(); got != 0 {
		t.Errorf("the gateway ends with %d", got)
	}
}
