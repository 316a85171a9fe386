package e2e_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"porthole/internal/browser"
)

// example is one of the programs in examples, and a gateway with one target.
type example struct {
	wasm, binary string
	at           string // where its page is
	gateway      string // its WebSocket
}

func exampleOf(t *testing.T, name, target string) example {
	t.Helper()
	dependOn(t, filepath.Join("examples", name))
	folder := filepath.Join("..", "..", "examples", name)
	e := example{wasm: wasm(t, "build", "-C", folder), binary: filepath.Join(t.TempDir(), name), at: unused(t)}
	must(t, "go", "build", "-C", folder, "-o", e.binary)
	_, url := gateway(t, "--origin", "http://"+e.at, "--target", target)
	e.gateway = socket(url)
	return e
}

// page opens a page that runs the example.
func (e example) page(t *testing.T, args ...string) *browser.Page {
	t.Helper()
	p := browser.Start(t).Open(t, program(t, e.at, e.wasm, append(args, "-gateway", e.gateway)...), browser.Visitor{})
	p.Patience = 2 * time.Minute // the browser compiles megabytes
	return p
}

// native runs the example outside of a page and returns what it printed.
func (e example) native(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, e.binary, append(args, "-gateway", e.gateway)...).CombinedOutput()
	return string(out), err
}

// prints runs the example to its end, in a page and outside of one, and wants what
// it prints to match.
func (e example) prints(t *testing.T, args []string, want ...string) {
	t.Helper()
	check := func(t *testing.T, got string) {
		for _, w := range want {
			if !regexp.MustCompile(w).MatchString(got) {
				t.Errorf("it prints\n%s\nand lacks %q", got, w)
			}
		}
	}
	t.Run("page", func(t *testing.T) {
		code, log := ended(t, e.page(t, args...))
		if code != 0 {
			t.Errorf("exit status %d", code)
		}
		check(t, log+"\n")
	})
	t.Run("native", func(t *testing.T) {
		out, err := e.native(t, args...)
		if err != nil {
			t.Error(err)
		}
		check(t, out)
	})
}

func TestRedisExample(t *testing.T) {
	addr := redisServer(t)
	exampleOf(t, "redis", addr).prints(t, []string{"-addr", addr},
		`GET: 你好哇咔咔\n`, `INCR: 1000, 1001 commands in `, `message: 哇咔咔\n`)
}

func TestPostgresExample(t *testing.T) {
	server, addr := postgresServer(t, "scram-sha-256", "secret")
	e := exampleOf(t, "postgres", addr)
	e.prints(t, []string{"-db", "postgres://porthole:secret@" + addr + "/postgres"},
		`PostgreSQL \d+`, `10000 rows in .*, the last 哇咔咔10000\n`, `a query of a minute: .*deadline exceeded\n`)
	server.says("canceling statement due to user request")
	out, err := e.native(t, "-db", "postgres://porthole:wrong@"+addr+"/postgres")
	if err == nil || !strings.Contains(out, "28P01") {
		t.Errorf("with a wrong password: %v, %q", err, out)
	}
}

func TestSSHExample(t *testing.T) {
	addr, user, key, host := sshServer(t, "ed25519")
	_, _, otherKey, otherHost := sshServer(t, "ed25519")
	e := exampleOf(t, "ssh", addr)
	e.prints(t, []string{"-addr", addr, "-user", user, "-key", key, "-host", host},
		`SSH-2.0-OpenSSH_.* on Linux .*\n`, `5000000 bytes in `)
	for want, args := range map[string][]string{
		"host key mismatch":      {"-key", key, "-host", otherHost},
		"unable to authenticate": {"-key", otherKey, "-host", host},
	} {
		out, err := e.native(t, append(args, "-addr", addr, "-user", user)...)
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%v, %q: want %q", err, out, want)
		}
	}
}

// The client in the page is answered by a server elsewhere, and the server there
// answers curl.
func TestHTTPExample(t *testing.T) {
	curl := installed(t, "curl")
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "你好, "+r.UserAgent())
	}))
	t.Cleanup(elsewhere.Close)
	p := exampleOf(t, "http", elsewhere.Listener.Addr().String()).page(t, "-url", elsewhere.URL, "-listen", "127.0.0.1:0")
	p.Wait(`document.querySelector('#out').textContent.includes('curl http://')`)
	printed := strings.Join(p.Console(), "\n")
	if want := "GET " + elsewhere.URL + ": 200 OK, 你好, Go-http-client/1.1"; !strings.Contains(printed, want) {
		t.Errorf("it prints %q, and lacks %q", printed, want)
	}
	tab := regexp.MustCompile(`curl (\S+)`).FindStringSubmatch(printed)[1]
	got := must(t, curl, "--silent", "--max-time", "30", "--fail", tab)
	if want := regexp.MustCompile(`^你好 127\.0\.0\.1:\d+, from the tab at 127\.0\.0\.1:\d+\n$`); !want.MatchString(got) {
		t.Errorf("the tab answers %q", got)
	}
	p.Wait(`/127\.0\.0\.1:\d+ GET \//.test(document.querySelector('#out').textContent)`)
}

// What docs/netconn.md says to do in an empty folder does what it says.
func TestClientFromNothing(t *testing.T) {
	doc, err := os.ReadFile("../../docs/netconn.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(doc), "```go\n")
	code, _, _ = strings.Cut(code, "```")
	at, folder := unused(t), t.TempDir()
	gw, url := gateway(t, "--origin", "http://"+at, "--greeter", "127.0.0.1:0")
	greeter := greeterOf(t, gw)
	code = strings.NewReplacer("ws://127.0.0.1:8080/ws", socket(url), "localhost:1234", greeter).Replace(code)
	if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(code), 0o666); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "hello"}, {"edit", "-require=porthole@v0.0.0", "-replace=porthole=" + root}, {"tidy"}} {
		must(t, append([]string{"go", "-C", folder, "mod"}, args...)...)
	}
	want := greeter + ": 你好哇咔咔"
	if got := must(t, "go", "run", "-C", folder, "."); strings.TrimSpace(got) != want {
		t.Errorf("it prints %q, want %q", got, want)
	}
	p := browser.Start(t).Open(t, program(t, at, folder), browser.Visitor{})
	p.Patience = 2 * time.Minute // the compiler may be busy
	if code, log := ended(t, p); code != 0 || log != "log: "+want {
		t.Errorf("in the page: %d, %q, want %q", code, log, want)
	}
}

// A program is compiled when its page is loaded, and again when that is loaded anew.
func TestServe(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example\n\ngo 1.26\n")
	write("main.go", "package main\nimport \"os\"\nfunc main() { println(os.Args[1], os.Args[2]) }\n")
	at := unused(t)
	p := browser.Start(t).Open(t, program(t, at, folder, "-哇=咔咔", "</script>"), browser.Visitor{})
	p.Patience = 2 * time.Minute // the compiler may be busy
	shows := func(want string) { p.Wait(`document.querySelector('#out').textContent.includes(` + want + `)`) }
	shows(`'-哇=咔咔 </script>'`)
	write("main.go", "package main\nfunc main() { missing() }\n")
	p.Allow("500")
	p.Reload()
	shows(`'undefined: missing'`)
	write("main.go", `package main

import (
	"os"
	"syscall/js"
	"time"
)

func main() {
	woken := make(chan bool)
	time.AfterFunc(100*time.Millisecond, func() {})
	js.Global().Call("setTimeout", js.FuncOf(func(js.Value, []js.Value) any { close(woken); return nil }))
	<-woken
	os.Exit(7)
}
`)
	p.Reload()
	shows(`'exit status 7'`)
	p.Wait(`new Promise(done => setTimeout(done, 100, true))`) // behind the program's timer, which is no more

	r, err := http.NewRequest("GET", "http://"+at+"/args", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "rebound.example"
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("by another name: %s, want 404", res.Status)
	}
}
