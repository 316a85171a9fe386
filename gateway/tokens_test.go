package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
)

func TestParseTokens(t *testing.T) {
	vm := bridge.Target{Host: "10.0.0.7", Port: 5900}
	for body, want := range map[string]map[string]bridge.Target{
		"":                         {},
		"# remark\n\n  # another":  {},
		"one: 10.0.0.7:5900":       {"one": vm},
		" one:\t 10.0.0.7:5900 \r": {"one": vm},
		"my vm: 10.0.0.7:5900":     {"my vm": vm},
		"a:b: 10.0.0.7:5900":       {"a:b": vm},
		"x : 10.0.0.7:5900":        {"x ": vm},
		"one: 10.0.0.7:5900\n#two: 10.0.0.7:1\n二: VM.test.:5901": {"one": vm, "二": {Host: "vm.test", Port: 5901}},
		"six: [::1]:5900":               {"six": {Host: "::1", Port: 5900}},
		"u: unix_socket:/run/a vm.sock": {"u": {Host: "/run/a vm.sock"}},
	} {
		got, err := parseTokens([]text{{"f", body}})
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %v, %v, want %v", body, got, err, want)
		}
	}
	for body, want := range map[string]string{
		"one":                               "f: line 1: want TOKEN: host:port",
		"one:10.0.0.7:5900":                 "f: line 1: want TOKEN: host:port",
		": 10.0.0.7:5900":                   "f: line 1: want TOKEN: host:port",
		"one: two: 10.0.0.7:5900":           `f: line 1: target "two: 10.0.0.7:5900"`,
		"one:":                              "f: line 1: want TOKEN: host:port",
		"#\none: 10.0.0.7":                  `f: line 2: target "10.0.0.7"`,
		"one: 10.0.0.7:0":                   "f: line 1: target",
		"one: 10.0.0.7:5900-5999":           "f: line 1: 10.0.0.7:5900-5999: want one",
		"one: 10.0.0.0/8:5900":              "f: line 1: 10.0.0.0/8:5900: want one",
		"one: /run/vm":                      "f: line 1: /run/vm: want one",
		"one: unix_socket:vm:5900":          "f: line 1: unix_socket:vm:5900: want one",
		"one: 10.0.0.7:1\none: 10.0.0.7:1 ": "f: line 2: this token is there already",
	} {
		if got, err := parseTokens([]text{{"f", body}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v, want %q", body, got, err, want)
		}
	}
	if got, err := parseTokens([]text{{"f", "one: 10.0.0.7:1"}, {"g", "one: 10.0.0.7:1"}}); err == nil || !strings.Contains(err.Error(), "g: line 1") {
		t.Errorf("the same token in two files: %v, %v, want an error", got, err)
	}
}

// Whatever is in a file, what a token leads to is one thing to dial, and is read
// from the line that has it.
func FuzzParseTokens(f *testing.F) {
	for _, body := range []string{"one: 10.0.0.7:5900\n# two\n", "a:b:\t[::1]:1", "u: unix_socket:/run/s", "x: h:1-2", "x: 1.0.0.0/8:1", "x: unix_socket:h:1", ":", ": :", "\xff: h:1"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		all, err := parseTokens([]text{{"f", body}})
		if err != nil {
			if all != nil || !strings.HasPrefix(err.Error(), "f: line ") {
				t.Errorf("%q: %v, %v", body, all, err)
			}
			return
		}
		for token, target := range all {
			again, err := bridge.ParseTarget(target.String())
			if err != nil || again != target || !target.Single() {
				t.Errorf("%q: %q leads to %+v", body, token, target)
			}
			if token == "" || !strings.Contains(body, token+":") {
				t.Errorf("%q has no token %q", body, token)
			}
		}
	})
}

// hail opens a WebSocket as a client of websockify would, sends a word, and tells
// what comes back, or the close code.
func hail(t *testing.T, at, token string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ws, resp, err := websocket.Dial(ctx, at+"?token="+url.QueryEscape(token), &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{"binary"}})
	if err != nil {
		if resp == nil {
			t.Fatal(err)
		}
		return resp.Status
	}
	defer ws.CloseNow()
	_ = ws.Write(ctx, websocket.MessageBinary, []byte("echo")) // what breaks it shows in reading
	_, said, err := ws.Read(ctx)
	if err != nil {
		return fmt.Sprint(int(websocket.CloseStatus(err)))
	}
	return string(said)
}

// A token is good as soon as it is in the file, or in one of the folder, and no more
// when it is gone; a mistake leaves what is, and is told once.
func TestTokenFile(t *testing.T) {
	target := echo(t)
	for _, folder := range []bool{false, true} {
		t.Run(fmt.Sprintf("folder %v", folder), func(t *testing.T) {
			dir := t.TempDir()
			name, file := dir, filepath.Join(dir, "tokens")
			if !folder {
				name = file
			}
			put := func(body string) {
				t.Helper()
				if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			put("one: " + target)
			if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
				t.Fatal(err)
			}
			var log safeBuffer
			at, end := begin(t, &log, "--target", "127.0.0.1:9", "--dialect", "websockify", "--dialect", "websockify=/vnc", "--token-file", name)
			defer end()
			wants := func(token, want string) {
				t.Helper()
				for _, path := range []string{"/websockify", "/vnc"} {
					if got := hail(t, at+path, token); got != want {
						t.Errorf("%s by token %q: %s, want %s", path, token, got, want)
					}
				}
			}
			wants("one", "echo")
			wants("two", "1008")
			put("two: " + target) // of the same length, and at the same time as far as one can tell
			wants("two", "echo")
			wants("one", "1008")
			put("half a line")
			wants("two", "echo")
			wants("two", "echo")
			if folder {
				put("two: " + target)
				if err := os.WriteFile(filepath.Join(dir, "more"), []byte("three: "+target+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				wants("three", "echo")
				wants("two", "echo")
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if folder {
				wants("two", "1008")
			} else {
				wants("two", "echo")
			}
			// Each path has read it.
			if got := strings.Count(log.String(), file+": line 1: want TOKEN: host:port"); got != 2 {
				t.Errorf("told %d times what is wrong, want once for each path:\n%s", got, &log)
			}
		})
	}
}

// Without a file of tokens all lead to the default target, at the paths that were
// named and at no other.
func TestWebsockifyPaths(t *testing.T) {
	target := echo(t)
	at, end := begin(t, io.Discard, "--target", target, "--dialect", "websockify=/vnc/one")
	defer end()
	if got := hail(t, at+"/vnc/one", "any"); got != "echo" {
		t.Errorf("at the path that was named: %s", got)
	}
	if got := hail(t, at+"/websockify", "any"); got != "404 Not Found" {
		t.Errorf("at the usual path: %s", got)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/vnc/one", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://evil.test")
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another site: %s, want 403", resp.Status)
	}
}

// What is refused by a token is counted apart.
func TestTokenMetrics(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	put(t, file, nil, 1)
	var log safeBuffer
	at, end := begin(t, &log, "--target", "127.0.0.1:9", "--dialect", "websockify", "--token-file", file, "--admin", "127.0.0.1:0")
	defer end()
	if got := hail(t, at+"/websockify", "none"); got != "1008" {
		t.Errorf("an unknown token: %s, want 1008", got)
	}
	admin := regexp.MustCompile(`operators are served.* addr=(\S+)`).FindStringSubmatch(log.String())
	if admin == nil {
		t.Fatalf("it does not say where operators are served:\n%s", &log)
	}
	resp, err := client.Get("http://" + admin[1] + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if want := `porthole_refused_total{reason="token"} 1`; err != nil || !strings.Contains(string(body), want) {
		t.Errorf("the metrics lack %s: %v\n%s", want, err, body)
	}
}
