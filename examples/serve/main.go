// Command serve serves a page that runs a Go program. The program is compiled to
// WebAssembly whenever the page is loaded: change it, reload, see.
//
//	$ go run ./examples/serve ./examples/redis -addr localhost:6379
//	open http://127.0.0.1:8000
//
// What follows the program's folder, or the file that it was compiled to, are its
// arguments, as of go run. It is for development; docs/netconn.md says how to
// publish a page.
package main

import (
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed index.html
var page []byte

func main() {
	listen := flag.String("listen", "127.0.0.1:8000", "where to serve the page: host:port")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "serve [-listen host:port] FOLDER|FILE.wasm [ARGUMENT...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	source := flag.Arg(0)
	folder := source
	if compiled(source) {
		folder = filepath.Dir(source)
	}
	goroot, err := exec.Command("go", "env", "-C", folder, "GOROOT").Output() // the module may choose its Go
	if err != nil {
		log.Fatalf("go env in %s: %v", folder, err)
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) })
	mux.HandleFunc("/wasm_exec.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(strings.TrimSpace(string(goroot)), "lib", "wasm", "wasm_exec.js"))
	})
	mux.HandleFunc("/main.wasm", func(w http.ResponseWriter, r *http.Request) { program(w, r, source) })
	mux.HandleFunc("/args", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(flag.Args()[1:])
	})
	fmt.Printf("open http://%v\n", l.Addr())
	log.Fatal(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Arguments may be secret: no other site gets them, whatever name it gives
		// to this address.
		if r.Host != l.Addr().String() {
			http.NotFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})))
}

func compiled(source string) bool { return filepath.Ext(source) == ".wasm" }

// program answers with a program's WebAssembly, or with why it does not compile.
func program(w http.ResponseWriter, r *http.Request, source string) {
	if compiled(source) {
		http.ServeFile(w, r, source)
		return
	}
	temp, err := os.MkdirTemp("", "serve-")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer os.RemoveAll(temp)
	file := filepath.Join(temp, "main.wasm")
	build := exec.CommandContext(r.Context(), "go", "build", "-C", source, "-o", file, ".")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		http.Error(w, fmt.Sprintf("%v: %v\n%s", build, err, out), http.StatusInternalServerError)
		return
	}
	http.ServeFile(w, r, file)
}
