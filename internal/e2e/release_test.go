package e2e_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"porthole/internal/browser"
)

// release makes the gateway as make build does, with the page inside.
func release(t testing.TB) string {
	t.Helper()
	gateway := filepath.Join(t.TempDir(), "gateway")
	for _, args := range [][]string{
		{"generate", "porthole/web"},
		{"build", "-trimpath", "-tags", "embed", "-o", gateway, "porthole/gateway"},
	} {
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}
	return gateway
}

// A release has the page's modules in another form than its sources.
func TestReleaseGreets(t *testing.T) {
	depend(t)
	b := browser.Start(t)
	url := start(t, release(t), "--listen", "127.0.0.1:0", "--greeter", "127.0.0.1:0").line("open ")
	p := open(t, b, url)
	p.Keys(kb.Enter)
	p.Wait(greeted)
	var modules int
	eval(t, p, `performance.getEntriesByType('resource').filter(e => e.name.endsWith('.js')).length`, &modules)
	if modules != 3 {
		t.Errorf("the page asked for %d modules, want 3: the program's, Go's and those that draw, joined", modules)
	}
	t.Run("plays", func(t *testing.T) {
		built(t)
		p := playground(t, b, url, greeterOn(port(t)), "")
		runs(p, "server")
		p.Wait(prints("server up"))
	})
}
