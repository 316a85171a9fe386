// Package web builds the page and serves it: static files written by hand,
// and the program they start, which is Go compiled to WebAssembly.
//
//	page, err := web.New(ctx)
//	if err != nil {
//		return err
//	}
//	router.Handle("/*", page)
//
// The program is compiled when New is called, so that the page and the gateway
// that serves it are always of one source. Under the build tag embed it was
// compiled beforehand, into dist, and is part of the binary.
//
// The page lives at / and is asked for anew on every visit; so is the playground, at
// /play, with /sandbox for what is written there, and the way in to a gateway that is
// not for all, at /login. Everything else lives under a prefix that
// names its content, so browsers keep it for good: index.html says
// assets/style.css, and what a visitor gets is assets-4f1d2a90c37be856/style.css.
// Files find each other by relative references, and the page works under any path a
// router strips.
//
// It serves files it has held in memory since it was made, and keeps each encoding
// that it has made once: it reads no disk, and knows nothing of the sockets the
// page opens.
package web

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed static
var static embed.FS

// contentTypes maps the extensions the page may use. It is ours because the
// mime package asks the machine, and some machines call JavaScript text/plain.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".png":  "image/png",
	".svg":  "image/svg+xml",
	".wasm": "application/wasm",
}

// contentSecurityPolicy lets a page run its own files, the script within it and
// nothing else. A form that needs no script may be sent to where it is from.
func contentSecurityPolicy(page []byte) string {
	forms := "'none'"
	if bytes.Contains(page, []byte(`method="post"`)) {
		forms = "'self'"
	}
	return "default-src 'self'; " +
		"script-src 'self' " + within(page) + "'wasm-unsafe-eval'; " + // compiling WebAssembly counts as eval
		"connect-src 'self'; " +
		"object-src 'none'; " +
		"base-uri 'none'; " +
		"form-action " + forms + "; " +
		"frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'"
}

// sandboxPolicy is for the frame in which the playground runs what visitors write:
// an origin of its own that no one else has, no network, no other document, and no
// script but the one within it and the workers that it makes.
func sandboxPolicy(page []byte) string {
	return "sandbox allow-scripts; " +
		"default-src 'none'; " +
		"script-src " + within(page) + "blob:; " + // what a worker is made of
		"worker-src blob:; " +
		"base-uri 'none'; " +
		"form-action 'none'; " +
		"frame-ancestors 'self'"
}

// within names the scripts within a page, as they are written and no others.
func within(page []byte) string {
	var names strings.Builder
	for _, m := range inlineRE.FindAllSubmatch(page, -1) {
		sum := sha256.Sum256(m[1])
		fmt.Fprintf(&names, "'sha256-%s' ", base64.StdEncoding.EncodeToString(sum[:]))
	}
	return names.String()
}

var inlineRE = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// Handler serves the page. It never changes, so any number of requests may use
// it at once. Make one with New.
type Handler struct {
	files  map[string]file // by request path
	policy string          // what the page may do
}

// file is what one path answers with.
type file struct {
	contentType  string
	cacheControl string
	policy       string // what it may do, if that is not what the page may
	forms        []form // as encode returns them
}

// New returns a handler for the page, compiling its program if that is not part
// of the binary already. It fails with the compiler's words, or when ctx ends.
func New(ctx context.Context) (*Handler, error) {
	made, err := program(ctx)
	if err != nil {
		return nil, err
	}
	byHand, err := fs.Sub(static, "static")
	if err != nil {
		return nil, err
	}
	files, err := readAll(byHand)
	if err != nil {
		return nil, err
	}
	maps.Copy(files, made) // a release has some of them in another form
	return newHandler(files)
}

// newHandler serves files, which map slash-separated names to contents and
// stay the handler's. A name ending in .br or .gz beside the same name without
// is that file's encoded form.
func newHandler(files map[string][]byte) (*Handler, error) {
	assets := maps.Clone(files)
	pages := maps.Clone(files)
	isPage := func(name string, _ []byte) bool { return path.Ext(name) == ".html" }
	maps.DeleteFunc(assets, isPage)
	maps.DeleteFunc(pages, func(name string, b []byte) bool { return !isPage(name, b) })

	encoded := encode(assets)
	prefix := "assets-" + fingerprint(encoded) + "/"
	h := &Handler{files: make(map[string]file)}
	for name, forms := range encoded {
		contentType, ok := contentTypes[path.Ext(name)]
		if !ok {
			return nil, fmt.Errorf("web: %s: no content type for this extension", name)
		}
		h.files["/"+prefix+name] = file{contentType, "public, max-age=31536000, immutable", "", forms}
	}
	if pages["index.html"] == nil {
		return nil, errors.New("web: no index.html")
	}
	if unbuilt, ok := pages["unbuilt.html"]; ok && files["play/dist/worker.js"] == nil {
		pages["play.html"] = unbuilt // it takes npm to make the playground
	}
	delete(pages, "unbuilt.html")
	for name, body := range pages {
		body = bytes.ReplaceAll(body, []byte("assets/"), []byte(prefix))
		at := strings.TrimSuffix(strings.TrimSuffix("/"+name, ".html"), "index")
		policy := contentSecurityPolicy(body)
		if name == "sandbox.html" {
			policy = sandboxPolicy(body)
		}
		h.files[at] = file{contentTypes[".html"], "no-cache", policy, encode(map[string][]byte{name: body})[name]}
	}

	h.policy = h.files["/"].policy

	// Browsers look here whenever they show one of our answers outside the page.
	if icon, ok := h.files["/"+prefix+"favicon.svg"]; ok {
		icon.cacheControl = "no-cache"
		h.files["/favicon.ico"] = icon
	}
	return h, nil
}

// ServeHTTP answers GET and HEAD for the page and its assets, in the best
// encoding the client takes.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found, ok := h.files[r.URL.Path]
	header := w.Header()
	header.Set("Content-Security-Policy", cmp.Or(found.policy, h.policy))
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")

	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if !ok {
		// While a new version is rolled out an asset can be missing here and
		// there; a cache must not remember that.
		header.Set("Cache-Control", "no-store")
		http.NotFound(w, r)
		return
	}
	coding, chosen := choose(found.forms, strings.Join(r.Header.Values("Accept-Encoding"), ","))
	header.Set("Content-Type", found.contentType)
	header.Set("Cache-Control", found.cacheControl)
	header.Add("Vary", "Accept-Encoding")
	header.Set("ETag", chosen.etag)
	if coding != identity {
		header.Set("Content-Encoding", coding)
	}
	// A page sees decoded bytes come: this tells it of how many.
	header.Set("Porthole-Size", strconv.Itoa(len(unencoded(found.forms).body)))
	// ServeContent leaves the length out when there is a Content-Encoding.
	header.Set("Content-Length", strconv.Itoa(len(chosen.body)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(chosen.body))
}

// fingerprint names the contents of all files together.
func fingerprint(files map[string][]form) string {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(sum, "%s %s\n", name, unencoded(files[name]).etag)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:8])
}
