package e2e_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What the container file builds serves the page where there is nothing else, as no
// one. How an image is made of it needs a registry, and is not tested.
func TestImage(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may give a process a root of its own: docs/deploy/Containerfile is not tested")
	}
	depend(t)
	text, err := os.ReadFile(filepath.Join(deploy, "Containerfile"))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	says := map[string]string{} // the last of each instruction
	for line := range strings.Lines(string(text)) {
		if name, rest, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			says[name] = rest
		}
	}
	build := exec.Command("sh", "-ec", strings.ReplaceAll(says["RUN"], "-o /", "-o "+root+"/"))
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("RUN %s: %v\n%s", says["RUN"], err, out)
	}
	if user, entry := says["USER"], says["ENTRYPOINT"]; user == "" || strings.HasPrefix(user, "0") || entry != `["/gateway"]` {
		t.Fatalf("USER %s, ENTRYPOINT %s, want no one and the gateway", user, entry)
	}
	if _, err := os.Stat(filepath.Join(root, "tcpserver")); err != nil {
		t.Error(err)
	}
	gw := start(t, "chroot", "--userspec="+says["USER"], root, "/gateway", "--listen", "127.0.0.1:0", "--target", serve(t, echo))
	url := gw.line("open ")
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the page: %s", resp.Status)
	}
	gw.term()
	if got := gw.wait(); got != 0 {
		t.Errorf("exit status %d", got)
	}
}
