package web

import (
	"io/fs"
	"path"
	"strings"
	"testing"
)

// Every module is fetched at once: found one through the other they would cost
// a round trip each.
func TestModulesArePreloaded(t *testing.T) {
	index, err := fs.ReadFile(static, "static/index.html")
	if err != nil {
		t.Fatal(err)
	}
	modules, err := fs.Glob(static, "static/*.js")
	if err != nil || len(modules) == 0 {
		t.Fatal(modules, err)
	}
	for _, m := range modules {
		name := path.Base(m)
		link := `<link rel="modulepreload" href="assets/` + name + `">`
		if name != "app.js" && !strings.Contains(string(index), link) {
			t.Errorf("index.html has no %s", link)
		}
	}
	if got, want := strings.Count(string(index), "modulepreload"), len(modules)-1; got != want {
		t.Errorf("%d modules are preloaded, want %d", got, want)
	}
}
