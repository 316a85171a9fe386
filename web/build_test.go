package web_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"porthole/web"
)

func TestBuild(t *testing.T) {
	readSources(t)
	dir := filepath.Join(t.TempDir(), "made", "for", "the", "occasion")
	t.Chdir("static") // anywhere in the module will do
	if err := web.Build(t.Context(), dir); err != nil {
		t.Fatal(err)
	}

	for _, name := range []string{"page.wasm", "tab.wasm"} {
		program := readFile(t, filepath.Join(dir, name))
		if magic := "\x00asm\x01\x00\x00\x00"; !strings.HasPrefix(string(program), magic) {
			t.Errorf("%s begins with %q, want %q", name, program[:min(8, len(program))], magic)
		}
	}
	loader := readFile(t, filepath.Join(dir, "wasm_exec.js"))
	want := readFile(t, filepath.Join(goCommand(t, nil, "env", "GOROOT"), "lib", "wasm", "wasm_exec.js"))
	if !bytes.Equal(loader, want) {
		t.Errorf("wasm_exec.js is not the toolchain's: got %d bytes, want %d", len(loader), len(want))
	}
}

// The page's address is made from its bytes, so two clones of one commit must
// compile to the same.
func TestBuildIsTheSameInAnyDirectory(t *testing.T) {
	var builds [2][]byte
	for i := range builds {
		dir := scratchModule(t, `func main() { println("hello") }`)
		t.Chdir(dir)
		if err := web.BuildPackage(t.Context(), dir, "scratch"); err != nil {
			t.Fatal(err)
		}
		builds[i] = readFile(t, filepath.Join(dir, "scratch.wasm"))
	}
	if !bytes.Equal(builds[0], builds[1]) {
		t.Errorf("builds of one source differ: %d and %d bytes", len(builds[0]), len(builds[1]))
	}
}

func TestBuildErrors(t *testing.T) {
	stopped := errors.New("stopped by the test")
	tests := []struct {
		name    string
		source  string // of package scratch; none if empty
		prepare func(*testing.T) context.Context
		is      error
		says    []string
		omits   string
	}{
		{
			name:   "does not compile",
			source: `func main() { nowhere() }`,
			says:   []string{"main.go:2:", "undefined: nowhere"},
			omits:  "make build",
		},
		{
			name: "no source",
			says: []string{"scratch", "make build"},
		},
		{
			name:   "no go command",
			source: `func main() {}`,
			prepare: func(t *testing.T) context.Context {
				t.Setenv("PATH", t.TempDir())
				return t.Context()
			},
			is:   exec.ErrNotFound,
			says: []string{"make build"},
		},
		{
			name:   "stopped",
			source: `func main() {}`,
			prepare: func(t *testing.T) context.Context {
				ctx, cancel := context.WithCancelCause(t.Context())
				cancel(stopped)
				return ctx
			},
			is:    stopped,
			omits: "make build",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.source != "" {
				dir = scratchModule(t, tt.source)
			}
			t.Chdir(dir)
			ctx := t.Context()
			if tt.prepare != nil {
				ctx = tt.prepare(t)
			}

			err := web.BuildPackage(ctx, dir, "scratch")
			if err == nil {
				t.Fatal("got no error")
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %q, want one that is %q", err, tt.is)
			}
			for _, words := range tt.says {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("got %q, want it to say %q", err, words)
				}
			}
			if tt.omits != "" && strings.Contains(err.Error(), tt.omits) {
				t.Errorf("got %q, want nothing of %q", err, tt.omits)
			}
		})
	}
}

// Everything a visitor's first visit costs, nearly, is the page's program. Its
// floor is the Go runtime's 418 KB; a package like fmt or net adds 70 KB. The tab's
// server links both, and comes for those who press its button.
func TestReleaseIsSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("compresses at the highest level, which takes seconds")
	}
	readSources(t)
	dir := t.TempDir()
	goCommand(t, nil, "run", "gen.go", dir) // also because it runs without -race, ten times as fast

	for name, most := range map[string]int{ // in bytes
		"page.wasm": 600_000, "tab.wasm": 700_000, "wasm_exec.js": 5_000, "app.js": 40_000, "play/app.js": 30_000,
	} {
		plain := readFile(t, filepath.Join(dir, name))
		br := readFile(t, filepath.Join(dir, name+".br"))
		gz := readFile(t, filepath.Join(dir, name+".gz"))
		t.Logf("%s: %d bytes, gzip %d, brotli %d", name, len(plain), len(gz), len(br))
		if !bytes.Equal(decode(t, "br", br), plain) {
			t.Errorf("%s.br does not hold %s", name, name)
		}
		if !bytes.Equal(decode(t, "gzip", gz), plain) {
			t.Errorf("%s.gz does not hold %s", name, name)
		}
		if len(br) > most {
			t.Errorf("%s.br is %d bytes, want at most %d", name, len(br), most)
		}
	}
}

// readSources reads all that the page is compiled from. The go command repeats
// a test's last result while the files it read are unchanged, and knows nothing
// of those that the compiler read for it.
func readSources(t *testing.T) {
	t.Helper()
	const ofThisModule = `{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}`
	browser := []string{"GOOS=js", "GOARCH=wasm"}
	dirs := strings.Fields(goCommand(t, browser, "list", "-deps", "-f", ofThisModule, "porthole/web/page", "porthole/web/tab"))
	if len(dirs) == 0 {
		t.Fatal("the page has no sources")
	}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir) // a new file counts too
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if filepath.Ext(entry.Name()) == ".go" {
				readFile(t, filepath.Join(dir, entry.Name()))
			}
		}
	}
	readFile(t, goCommand(t, nil, "env", "GOMOD"))
}

// scratchModule returns a directory that is the module scratch, a program.
func scratchModule(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module scratch\n\ngo 1.26\n",
		"main.go": "package main\n" + source + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// goCommand returns what the go command prints, run with env on top of ours.
func goCommand(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
