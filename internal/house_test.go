// Package internal_test holds the house rules: what may import what, and what
// no file may contain. They are read from the source, so they hold under every
// build tag and on every platform at once.
package internal_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "porthole"

// arrows are the shipped packages, and which of ours each may import. All
// other packages of ours are test-only, below internal, and may import any.
var arrows = map[string][]string{
	"examples/serve":    {},
	"wire":              {},
	"wire/bus":          {"wire"},
	"wire/bus/natsbus":  {"wire", "wire/bus", "wire/tap"},
	"wire/tap":          {"wire"},
	"gateway":           {"gateway/bridge", "tcpserver/greeter", "wire/bus", "wire/bus/natsbus", "wire/tap", "web"},
	"gateway/bridge":    {"wire", "wire/tap"},
	"tcpserver":         {"tcpserver/greeter", "wire", "wire/bus", "wire/bus/natsbus", "wire/tap"},
	"tcpserver/greeter": {}, // it stays something that nc can talk to
	"web":               {},
	"web/capture":       {"wire"},
	"web/client":        {"wire"},
	"web/netconn":       {"web/client", "wire"},
	"web/page":          {"web/capture", "web/client", "web/view", "wire"},
	"web/tab":           {"tcpserver/greeter", "web/netconn"},
	"web/view":          {"wire"},
}

// bans are imports that shipped packages do without. A trailing slash covers
// a whole module.
var bans = []struct {
	in     string // a package, or "" for all
	not    string
	except []string // files
	reason string
}{
	{"", "nhooyr.io/websocket/", []string{"gateway/bridge/socket.go", "web/netconn/socket.go"},
		"the library's whole API is deprecated and its reader can hang; one file guards it at each end, the gateway's and that of Go programs outside of a page, so that one file can replace it"},
	{"gateway/bridge", "github.com/go-chi/chi/v5/", nil, "the bridge is a plain http.Handler, for any router"},
	{"gateway/bridge", "github.com/alecthomas/kong/", nil, "options are for commands; the bridge has fields"},
	{"", "github.com/nats-io/", []string{
		"wire/bus/natsbus/embedded.go", "wire/bus/natsbus/natsbus.go", "wire/bus/natsbus/outbox.go",
		"wire/bus/natsbus/census.go", "wire/bus/natsbus/leases.go", "wire/bus/natsbus/watch.go"},
		"nothing but its package knows which bus it is"},
	{"", "github.com/chromedp/chromedp/", nil, "test-only"},
	{"", "go.uber.org/goleak/", nil, "test-only"},
	{"", "pgregory.net/rapid/", nil, "test-only"},
	{"", "github.com/Shopify/toxiproxy/v2/", nil, "test-only"},
	{"", "golang.org/x/net/nettest/", nil, "test-only"},
	{"", "testing/", nil, "test-only"},
}

// heavy are packages the page must not link, however indirectly, with what
// each was measured to add to a page of 494 KB, in brotli.
var heavy = map[string]string{
	"net":                 "70 KB; the page has the browser's WebSocket and needs no net.Conn",
	"net/http":            "1.4 MB, with crypto/tls and x509, and 22 s to a cold compile of 5 s",
	"fmt":                 "78 KB; strconv and append do",
	"encoding/json":       "207 KB; frames are binary, and the page's script gets packed rows",
	"nhooyr.io/websocket": "505 KB; and in a browser its Write never blocks and its reader buffers without bound",
}

// topLevel is all that may lie beside the packages' folders.
var topLevel = []string{
	".ci", ".git", ".gitignore", "LICENSE", "Makefile", "README.md", "go.mod", "go.sum",
	"docs", "examples", "gateway", "internal", "tcpserver", "web", "wire",
	"bin", // made by make, and ignored by git
}

const maxLines = 400

func TestArrows(t *testing.T) {
	found := map[string]bool{}
	for _, f := range sources(t) {
		pkg := path.Dir(f.name)
		if f.test() || strings.HasPrefix(pkg, "internal") {
			continue
		}
		found[pkg] = true
		allowed, known := arrows[pkg]
		if !known {
			t.Errorf("%s: package %s is not in the plan of the house", f.name, pkg)
			continue
		}
		for _, imp := range f.imports() {
			ours, isOurs := strings.CutPrefix(imp, module+"/")
			if isOurs && ours != pkg && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s; %s may import %q of ours", f.name, ours, pkg, allowed)
			}
			for _, ban := range bans {
				if (ban.in == "" || ban.in == pkg) && strings.HasPrefix(imp+"/", ban.not) && !slices.Contains(ban.except, f.name) {
					t.Errorf("%s imports %s: %s", f.name, imp, ban.reason)
				}
			}
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(arrows)) {
		if !found[pkg] {
			t.Errorf("package %s is missing", pkg)
		}
	}
}

func TestOneFileKnowsTheWebSocketLibrary(t *testing.T) {
	const library, file = "nhooyr.io/websocket", "gateway/bridge/socket.go"
	for _, f := range sources(t) {
		if f.name == file && slices.Contains(f.imports(), library) {
			return
		}
	}
	t.Errorf("%s does not import %s: the exception made for it has gone stale", file, library)
}

func TestPageIsLight(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Imports", module+"/web/page")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, &stderr)
	}
	importers := map[string]string{} // of each package, the first that imports it
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&pkg); err != nil {
			t.Fatal(err)
		}
		for _, imp := range pkg.Imports {
			if _, ok := importers[imp]; !ok {
				importers[imp] = pkg.ImportPath
			}
		}
	}
	if importers["syscall/js"] == "" {
		t.Fatal("the page does not import syscall/js: this is not the page's graph")
	}
	for _, pkg := range slices.Sorted(maps.Keys(heavy)) {
		if importers[pkg] == "" {
			continue
		}
		chain := pkg
		for by := importers[pkg]; by != ""; by = importers[by] {
			chain = by + " → " + chain
		}
		t.Errorf("the page links %s, which adds %s:\n%s", pkg, heavy[pkg], chain)
	}
}

func TestNothingSleepsOrInits(t *testing.T) {
	for _, f := range sources(t) {
		ast.Inspect(f.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && n.Sel.Name == "Sleep" {
					t.Errorf("%s sleeps: wait for what should happen, or use synctest", f.at(n))
				}
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s has an init: let the caller start it", f.at(n))
				}
			}
			return true
		})
	}
}

func TestFilesAreShort(t *testing.T) {
	generated := map[string]bool{}
	for _, f := range sources(t) {
		generated[f.name] = ast.IsGenerated(f.file)
	}
	walk(t, func(name string) {
		if !slices.Contains([]string{".go", ".js", ".mjs", ".css", ".html"}, path.Ext(name)) || generated[name] {
			return
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(data, []byte("\n")); n > maxLines {
			t.Errorf("%s has %d lines, more than %d: it is more than one concern", name, n, maxLines)
		}
	})
}

// What docs/security.md promises has its tests.
func TestPromisesHaveTests(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(root, "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	is := map[string]bool{}
	for _, f := range sources(t) {
		for _, d := range f.file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && strings.HasSuffix(f.name, "_test.go") {
				is[fn.Name.Name] = true
			}
		}
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(string(doc), -1)
	if len(named) == 0 {
		t.Fatal("it names no test")
	}
	for _, m := range named {
		if !is[m[1]] {
			t.Errorf("there is no %s", m[1])
		}
	}
}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(topLevel, e.Name()) {
			t.Errorf("%s has no place in the top level of the house", e.Name())
		}
	}
}

// root is the top of the module, seen from this package.
const root = ".."

// source is one Go file of the module.
type source struct {
	name string // slash-separated, from root
	file *ast.File
	fset *token.FileSet
}

func (s source) test() bool { return strings.HasSuffix(s.name, "_test.go") }

func (s source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.name, s.fset.Position(n.Pos()).Line)
}

func (s source) imports() []string {
	var paths []string
	for _, spec := range s.file.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// sources parses every Go file of the module. That the test itself reads them
// is also how the go command knows when a cached result is stale.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	fset := token.NewFileSet()
	walk(t, func(name string) {
		if path.Ext(name) != ".go" {
			return
		}
		file, err := parser.ParseFile(fset, filepath.Join(root, name), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{name, file, fset})
	})
	return all
}

// walk calls f with the name of each file of the module, but for what is made
// from others, test data, and modules of their own.
func walk(t *testing.T, f func(name string)) {
	t.Helper()
	tree := os.DirFS(root)
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if !d.IsDir() {
			f(name)
			return nil
		}
		_, nested := fs.Stat(tree, path.Join(name, "go.mod"))
		if nested == nil || d.Name()[0] == '.' || slices.Contains([]string{"bin", "dist", "node_modules", "testdata"}, d.Name()) {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
