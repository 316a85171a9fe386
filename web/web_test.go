package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"porthole/web"
)

func ExampleNew() {
	page, err := web.New(context.Background())
	if err != nil {
		log.Fatal(err) // the compiler's words, if the page does not compile
	}
	http.Handle("/", page)
}

func TestNew(t *testing.T) {
	readSources(t)
	h, err := web.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	assets := assetsOf(t, h)
	paths := []string{"/", assets + "page.wasm", assets + "wasm_exec.js", assets + "favicon.svg"}
	for _, name := range regexp.MustCompile(`assets-[^"'\s]+`).FindAllString(get(h, "/", "").body, -1) {
		paths = append(paths, "/"+name)
	}
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			plain := get(h, path, "")
			if plain.status != http.StatusOK {
				t.Fatalf("got status %d, want 200", plain.status)
			}
			for _, coding := range []string{"br", "gzip"} {
				got := get(h, path, coding)
				if body := decode(t, got.header.Get("Content-Encoding"), []byte(got.body)); string(body) != plain.body {
					t.Errorf("%s holds other bytes than the file", coding)
				}
			}
		})
	}
	if program := get(h, assets+"page.wasm", "").body; !strings.HasPrefix(program, "\x00asm") {
		t.Errorf("page.wasm begins with %q, want %q", program[:min(4, len(program))], "\x00asm")
	}
}

func TestAnswers(t *testing.T) {
	h := handler(t, small())
	assets := assetsOf(t, h)
	const (
		forGood = "public, max-age=31536000, immutable"
		never   = "no-store"
	)
	tests := []struct {
		method, path string
		status       int
		contentType  string
		cacheControl string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/favicon.ico", 200, "image/svg+xml", "no-cache"},
		{"GET", assets + "style.css", 200, "text/css; charset=utf-8", forGood},
		{"GET", assets + "js/app.js", 200, "text/javascript; charset=utf-8", forGood},
		{"GET", assets + "page.wasm", 200, "application/wasm", forGood},
		{"GET", assets + "favicon.svg", 200, "image/svg+xml", forGood},
		{"GET", "/index.html", 404, "text/plain; charset=utf-8", never},
		{"GET", "/style.css", 404, "text/plain; charset=utf-8", never},
		{"GET", "/assets/style.css", 404, "text/plain; charset=utf-8", never},
		{"GET", "/assets-0123456789abcdef/style.css", 404, "text/plain; charset=utf-8", never},
		{"GET", assets, 404, "text/plain; charset=utf-8", never},
		{"GET", assets + "index.html", 404, "text/plain; charset=utf-8", never},
		{"GET", assets + "page.wasm.br", 404, "text/plain; charset=utf-8", never},
		{"GET", assets + "../style.css", 404, "text/plain; charset=utf-8", never},
		{"POST", "/", 405, "text/plain; charset=utf-8", ""},
		{"DELETE", assets + "style.css", 405, "text/plain; charset=utf-8", ""},
		{"OPTIONS", "/nowhere", 405, "text/plain; charset=utf-8", ""},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			got := do(h, tt.method, tt.path, nil)
			if got.status != tt.status {
				t.Errorf("got status %d, want %d", got.status, tt.status)
			}
			allow := ""
			if tt.status == 405 {
				allow = "GET, HEAD"
			}
			wantHeader(t, got, map[string]string{
				"Content-Type":                 tt.contentType,
				"Cache-Control":                tt.cacheControl,
				"Allow":                        allow,
				"Content-Security-Policy":      "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
				"X-Content-Type-Options":       "nosniff",
				"Referrer-Policy":              "no-referrer",
				"Cross-Origin-Opener-Policy":   "same-origin",
				"Cross-Origin-Resource-Policy": "same-origin",
				"Access-Control-Allow-Origin":  "",
			})
		})
	}
}

// A script within the page runs, as it was written and no other.
func TestInlineScriptIsNamed(t *testing.T) {
	h := handler(t, map[string][]byte{"index.html": []byte("<script src=\"a.js\"></script><script>go();</script>")})
	// printf 'go();' | openssl dgst -sha256 -binary | base64
	const want = "script-src 'self' 'sha256-bYOqbsii8BMz1hC57p5sZG4K4cMuk6QQDiwupM2aRMM=' 'wasm-unsafe-eval';"
	if got := get(h, "/", "").header.Get("Content-Security-Policy"); !strings.Contains(got, want) {
		t.Errorf("policy %q, want %q in it", got, want)
	}
}

// What visitors write runs in a frame that is no one's, with the script within it
// and no other.
func TestSandboxPolicy(t *testing.T) {
	files := small()
	files["sandbox.html"] = []byte("<script>go();</script>")
	const want = "sandbox allow-scripts; default-src 'none'; script-src 'sha256-bYOqbsii8BMz1hC57p5sZG4K4cMuk6QQDiwupM2aRMM=' blob:; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
	if got := get(handler(t, files), "/sandbox", "").header.Get("Content-Security-Policy"); got != want {
		t.Errorf("policy %q, want %q", got, want)
	}
}

// The playground takes npm to make. Without it a page in its place says so.
func TestPlayground(t *testing.T) {
	files := small()
	files["play.html"], files["unbuilt.html"] = []byte("editor"), []byte("make play")
	h := handler(t, files)
	if got := get(h, "/play", "").body; got != "make play" {
		t.Errorf("without the bundle: %q", got)
	}
	if got := get(h, "/unbuilt", "").status; got != http.StatusNotFound {
		t.Errorf("/unbuilt: status %d, want 404", got)
	}
	files["play/dist/worker.js"] = []byte("go();")
	if got := get(handler(t, files), "/play", "").body; got != "editor" {
		t.Errorf("with the bundle: %q", got)
	}
}

func TestNegotiation(t *testing.T) {
	h := handler(t, small())
	assets := assetsOf(t, h)
	tests := []struct{ file, accept, want string }{
		{"style.css", "", ""},
		{"style.css", "gzip, deflate, br, zstd", "br"},
		{"style.css", "gzip, deflate", "gzip"},
		{"style.css", "GZIP", "gzip"},
		{"style.css", "deflate, zstd", ""},
		{"style.css", "br;q=0, gzip", "gzip"},
		{"style.css", "br;q=0.5, gzip;q=0.8", "gzip"},
		{"style.css", "br ; q=0.8 , gzip ; q=0.8", "br"},
		{"style.css", "*", "br"},
		{"style.css", "*, br;q=0", "gzip"},
		{"style.css", "gzip;q=0.1, *;q=0", "gzip"},
		{"style.css", "gzip;q=0.5, identity", ""},
		{"style.css", "identity;q=0.5, gzip;q=0.6", "gzip"},
		{"style.css", "br;q=0, gzip;q=0, identity;q=0", ""}, // better than nothing
		{"style.css", "br;q=maybe, gzip;q=", ""},
		{"style.css", "brotli, gzipped, x", ""},
		{"dot.svg", "br, gzip", ""}, // would only grow
		{"page.wasm", "br, gzip", "br"},
	}
	for _, tt := range tests {
		t.Run(tt.file+" "+tt.accept, func(t *testing.T) {
			got := get(h, assets+tt.file, tt.accept)
			wantHeader(t, got, map[string]string{
				"Content-Encoding": tt.want,
				"Content-Length":   strconv.Itoa(len(got.body)),
				"Vary":             "Accept-Encoding",
			})
			if tt.file == "style.css" {
				if body := decode(t, tt.want, []byte(got.body)); !bytes.Equal(body, small()["style.css"]) {
					t.Errorf("got %q, want the style sheet", body)
				}
			}
		})
	}

	t.Run("split over lines", func(t *testing.T) {
		got := do(h, "GET", assets+"style.css", http.Header{"Accept-Encoding": {"deflate", "gzip"}})
		wantHeader(t, got, map[string]string{"Content-Encoding": "gzip"})
	})
	t.Run("encoded beforehand", func(t *testing.T) {
		if got, want := get(h, assets+"page.wasm", "br").body, "short form"; got != want {
			t.Errorf("got %q, want the file as it was given, %q", got, want)
		}
	})
}

func TestHead(t *testing.T) {
	h := handler(t, small())
	for _, path := range []string{"/", assetsOf(t, h) + "style.css", "/nowhere"} {
		for _, accept := range []string{"", "br", "gzip"} {
			t.Run(path+" "+accept, func(t *testing.T) {
				whole := get(h, path, accept)
				head := do(h, "HEAD", path, http.Header{"Accept-Encoding": {accept}})
				if head.status != whole.status {
					t.Errorf("got status %d, want that of GET, %d", head.status, whole.status)
				}
				if got, want := fmt.Sprint(head.header), fmt.Sprint(whole.header); got != want {
					t.Errorf("got header %s\nwant that of GET, %s", got, want)
				}
				if whole.status == 200 && head.body != "" {
					t.Errorf("got a body of %d bytes, want none", len(head.body))
				}
			})
		}
	}
}

func TestRevalidation(t *testing.T) {
	h := handler(t, small())
	for _, path := range []string{"/", assetsOf(t, h) + "style.css"} {
		tags := make(map[string]string) // by coding
		for _, coding := range []string{"", "br", "gzip"} {
			tags[coding] = get(h, path, coding).header.Get("ETag")
		}
		tests := []struct {
			name, accept, noneMatch string
			status                  int
		}{
			{"same", "br", tags["br"], 304},
			{"same without encoding", "", tags[""], 304},
			{"one of several", "gzip", `"x", W/` + tags["gzip"], 304},
			{"any", "br", "*", 304},
			{"another encoding", "br", tags["gzip"], 200},
			{"decoded", "gzip", tags[""], 200},
			{"another version", "br", `"0123456789abcdef"`, 200},
		}
		for _, tt := range tests {
			t.Run(path+" "+tt.name, func(t *testing.T) {
				got := do(h, "GET", path, http.Header{"Accept-Encoding": {tt.accept}, "If-None-Match": {tt.noneMatch}})
				if got.status != tt.status {
					t.Errorf("got status %d, want %d", got.status, tt.status)
				}
				if tt.status == 304 && got.body != "" {
					t.Errorf("got a body of %d bytes, want none", len(got.body))
				}
				wantHeader(t, got, map[string]string{"ETag": tags[tt.accept], "Vary": "Accept-Encoding"})
			})
		}
	}
}

func TestAssetsMoveWithTheirContent(t *testing.T) {
	before := assetsOf(t, handler(t, small()))
	tests := []struct {
		name  string
		edit  func(map[string][]byte)
		moves bool
	}{
		{"nothing", func(map[string][]byte) {}, false},
		{"an encoded form", func(f map[string][]byte) { f["page.wasm.br"] = []byte("shortest") }, false},
		{"a byte", func(f map[string][]byte) { f["style.css"][0] = 'q' }, true},
		{"a name", func(f map[string][]byte) { f["dots.svg"] = f["dot.svg"]; delete(f, "dot.svg") }, true},
		{"a file more", func(f map[string][]byte) { f["more.css"] = nil }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := small()
			tt.edit(files)
			if after := assetsOf(t, handler(t, files)); (after != before) != tt.moves {
				t.Errorf("got assets at %s after %s, want moved: %t", after, before, tt.moves)
			}
		})
	}
}

func TestHandlerErrors(t *testing.T) {
	tests := []struct {
		name  string
		files map[string][]byte
		says  string
	}{
		{"no page", map[string][]byte{"app.js": nil}, "no index.html"},
		{"a type it does not know", map[string][]byte{"index.html": nil, "notes.doc": nil}, "notes.doc"},
		{"an encoded form of nothing", map[string][]byte{"index.html": nil, "app.js.br": nil}, "app.js.br"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := web.NewHandler(tt.files); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want an error that says %q", err, tt.says)
			}
		})
	}
}

// small is a page with a file of every sort: most can be compressed, dot.svg
// would only grow, and page.wasm comes with an encoded form.
func small() map[string][]byte {
	return map[string][]byte{
		"index.html":   bytes.Repeat([]byte(`<link href="assets/style.css">`), 100),
		"style.css":    bytes.Repeat([]byte("p { color: teal }\n"), 100),
		"js/app.js":    bytes.Repeat([]byte("start();\n"), 100),
		"favicon.svg":  bytes.Repeat([]byte("<circle/>"), 100),
		"dot.svg":      []byte("<svg/>"),
		"page.wasm":    []byte("\x00asm, the long form"),
		"page.wasm.br": []byte("short form"),
	}
}

func handler(t *testing.T, files map[string][]byte) http.Handler {
	t.Helper()
	h, err := web.NewHandler(files)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// assetsOf returns where the handler keeps its assets, as the page says it:
// something like /assets-0123456789abcdef/.
func assetsOf(t *testing.T, h http.Handler) string {
	t.Helper()
	page := get(h, "/", "").body
	prefix := regexp.MustCompile(`assets-[0-9a-f]{16}/`).FindString(page)
	if prefix == "" {
		t.Fatalf("the page refers to no assets: %s", page)
	}
	return "/" + prefix
}

type answer struct {
	status int
	header http.Header
	body   string
}

func do(h http.Handler, method, path string, header http.Header) answer {
	r := httptest.NewRequest(method, path, nil)
	maps.Copy(r.Header, header)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// get gets path, with an Accept-Encoding header if accept is not empty.
func get(h http.Handler, path, accept string) answer {
	header := make(http.Header)
	if accept != "" {
		header.Set("Accept-Encoding", accept)
	}
	return do(h, "GET", path, header)
}

// wantHeader compares the named header fields; empty means absent.
func wantHeader(t *testing.T, got answer, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if all := strings.Join(got.header.Values(name), " and "); all != value {
			t.Errorf("got %s %q, want %q", name, all, value)
		}
	}
}

// decode undoes a content coding; the empty one is none.
func decode(t *testing.T, coding string, body []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	var err error
	switch coding {
	case "br":
		r = brotli.NewReader(r)
	case "gzip":
		r, err = gzip.NewReader(r)
	}
	if err == nil {
		body, err = io.ReadAll(r)
	}
	if err != nil {
		t.Fatalf("decode %q: %v", coding, err)
	}
	return body
}
