package e2e_test

import (
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

// program serves a page that runs a Go program, at an address. The program is a
// folder, or what it was compiled to.
func program(t *testing.T, at, source string, args ...string) (url string) {
	t.Helper()
	return start(t, filepath.Join(bin, "serve"), append([]string{"-listen", at, source}, args...)...).line("open ")
}

// socket is a gateway's WebSocket.
func socket(url string) string { return strings.Replace(url, "http", "ws", 1) + "/ws" }

// ended waits until a page's program has ended, and returns what it has printed.
func ended(t *testing.T, p *browser.Page) (code int, log string) {
	t.Helper()
	p.Wait(`globalThis.exit !== undefined`)
	eval(t, p, `exit`, &code)
	return code, strings.Join(p.Console(), "\n")
}

// The tests of package netconn pass in the browser as they do outside of one.
func TestNetconnInThePage(t *testing.T) {
	dependOn(t, "web/netconn", "web/client", "wire")
	at := unused(t)
	gw, url := gateway(t, "--origin", "http://"+at, "--target", "127.0.0.1:1", "--greeter", "127.0.0.1:0")
	tests := program(t, at, wasm(t, "test", "-c", "porthole/web/netconn"), "-test.v", "-gateway="+socket(url))
	p := browser.Start(t).Open(t, tests, browser.Visitor{})
	p.Allow("WebSocket connection to 'ws://127.0.0.1:1/ws'") // a gateway that is not there
	p.Patience = 2 * time.Minute
	code, log := ended(t, p)
	if code != 0 || !strings.Contains(log, "--- PASS: TestConn ") || strings.Contains(log, "--- SKIP") {
		t.Errorf("exit status %d:\n%s", code, log)
	}
	gw.term()
	if got := gw.wait(); got != 0 {
		t.Errorf("the gateway ends with %d", got)
	}
}
