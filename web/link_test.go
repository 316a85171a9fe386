package web

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// A browser has six connections to a server. What the page begins with goes out
// on them at once: a seventh file would wait a round trip for its turn.
func TestPageBeginsAtOnce(t *testing.T) {
	page, err := fs.Sub(static, "static")
	if err != nil {
		t.Fatal(err)
	}
	files, err := readAll(page)
	if err != nil {
		t.Fatal(err)
	}
	files[loaderFile] = []byte("globalThis.Go = class {};\n")
	index := files["index.html"]
	wanted := regexp.MustCompile(`<(?:link rel="(?:preload|stylesheet|modulepreload)"|script) .*`).FindAll(index, -1)
	if len(wanted) == 0 || len(wanted) > 6 {
		t.Errorf("index.html begins with %d files, want 1 to 6: %q", len(wanted), wanted)
	}
	linked, err := link(index, files)
	if err != nil {
		t.Fatal(err)
	}
	imports := regexp.MustCompile(`(?m)^import .*`).FindAllString(string(linked["app.js"]), -1)
	if got, want := strings.Join(imports, "\n"), "import * as $program_js from './program.js';"; got != want {
		t.Errorf("app.js imports %q, want %q", got, want)
	}
	for name, module := range files {
		for _, m := range exportRE.FindAllStringSubmatch(string(module), -1) {
			if strings.HasSuffix(name, ".js") && !strings.Contains(string(linked["app.js"])+string(linked["program.js"]), m[1]+" "+m[2]) {
				t.Errorf("no linked module has %s of %s", m[2], name)
			}
		}
	}
}

func TestLink(t *testing.T) {
	index := []byte(`<script src="assets/a.js" type="module"></script><script src="assets/own.js" type="module" async></script>`)
	tests := []struct {
		name  string
		files map[string]string
		want  string // of a.js
		fails string
	}{
		{
			name:  "a module alone",
			files: map[string]string{"a.js": "go();\n"},
			want:  "go();\n",
		},
		{
			name: "in the order of need, each once",
			files: map[string]string{
				"a.js": "import { b } from './b.js';\nimport { c as d } from './c.js';\nb(d);\n",
				"b.js": "import { c } from './c.js';\nexport function b() { return c; }\n",
				"c.js": "export const c = 1;\n",
			},
			want: "const $c_js = (() => {\nconst c = 1;\n\nreturn { c };\n})();\n" +
				"const $b_js = (() => {\nconst { c } = $c_js;\nfunction b() { return c; }\n\nreturn { b };\n})();\n" +
				"const { b } = $b_js;\nconst { c: d } = $c_js;\nb(d);\n",
		},
		{
			name:  "what the page starts by itself stays so",
			files: map[string]string{"a.js": "import { o } from './own.js';\no();\n", "own.js": "export async function o() {}\n"},
			want:  "import * as $own_js from './own.js';\nconst { o } = $own_js;\no();\n",
		},
		{
			name:  "only for what it does",
			files: map[string]string{"a.js": "import './b.js';\n", "b.js": "b();\n"},
			want:  "const $b_js = (() => {\nb();\n\nreturn {  };\n})();\n\n",
		},
		{
			name:  "its own exports",
			files: map[string]string{"a.js": "export class A {}\n"},
			want:  "class A {}\nexport { A };\n",
		},
		{
			name:  "missing",
			files: map[string]string{"a.js": "import { b } from './b.js';\n"},
			fails: "a.js → no module b.js",
		},
		{
			name:  "in a circle",
			files: map[string]string{"a.js": "import { b } from './b.js';\n", "b.js": "import { a } from './a.js';\n"},
			fails: "a.js → b.js → a.js, which needs it",
		},
		{
			name:  "a name that changes",
			files: map[string]string{"a.js": "export let n = 0;\n"},
			fails: `a.js: cannot link "export let n = 0;"`,
		},
		{
			name:  "an import it does not know",
			files: map[string]string{"a.js": "import b from './b.js';\n"},
			fails: `a.js: cannot link "import b from './b.js';"`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string][]byte{"own.js": nil}
			for name, source := range tt.files {
				files[name] = []byte(source)
			}
			linked, err := link(index, files)
			switch {
			case tt.fails == "" && err != nil:
				t.Fatal(err)
			case tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)):
				t.Fatalf("got %v, want an error that says %q", err, tt.fails)
			case string(linked["a.js"]) != tt.want && err == nil:
				t.Errorf("got  %q\nwant %q", linked["a.js"], tt.want)
			}
		})
	}
}
