package bridge_test

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"porthole/gateway/bridge"
	"porthole/wire"
)

func TestParseTarget(t *testing.T) {
	for in, want := range map[string]string{ // "" for an error
		"localhost:1234":              "localhost:1234",
		"LocalHost:1234":              "localhost:1234",
		"localhost.:1234":             "localhost:1234",
		"127.0.0.1:1":                 "127.0.0.1:1",
		"127.0.0.1.:1":                "127.0.0.1:1",
		"[::1]:65535":                 "[::1]:65535",
		"[0:0:0:0:0:0:0:1]:1":         "[::1]:1",
		"[::FFFF:127.0.0.1]:1":        "127.0.0.1:1",
		"[::ffff:7f00:1]:1":           "127.0.0.1:1",
		"db.test:05432":               "db.test:5432",
		"/run/s.sock":                 "/run/s.sock",
		"./S.sock":                    "./S.sock",
		"@abstract":                   "@abstract",
		"db.test:8000-8010":           "db.test:8000-8010",
		"[::1]:1-65535":               "[::1]:1-65535",
		"10.1.2.3/8:22":               "10.0.0.0/8:22",
		"10.0.0.0/8:22-23":            "10.0.0.0/8:22-23",
		"[2001:DB8::1/32]:443":        "[2001:db8::/32]:443",
		"10.0.0.0/8":                  "",
		"10.0.0.0/33:22":              "",
		"[fd00::/8]":                  "",
		"db.test:8010-8000":           "",
		"db.test:8000-8000":           "",
		"db.test:8000-":               "",
		"db.test:-8000":               "",
		"db.test:1-2-3":               "",
		"db.test:0-9":                 "",
		"db.test:1-65536":             "",
		"":                            "",
		"localhost":                   "",
		"localhost:":                  "",
		"localhost:0":                 "",
		"localhost:65536":             "",
		"localhost:-1":                "",
		"localhost:+1":                "",
		"localhost:http":              "",
		":1234":                       "",
		".:1234":                      "",
		"::1:1234":                    "",
		"[::1]":                       "",
		"http://localhost:1234":       "",
		"tcp://localhost:1234":        "",
		"localhost:99999999999999999": "",
	} {
		t.Run(in, func(t *testing.T) {
			target, err := bridge.ParseTarget(in)
			if want == "" {
				if err == nil {
					t.Errorf("got %q, want an error", target)
				}
				return
			}
			if err != nil || target.String() != want {
				t.Errorf("got %q, %v, want %q", target, err, want)
			}
			again, err := bridge.ParseTarget(target.String())
			if err != nil || again != target {
				t.Errorf("%q is read as %q, %v", target, again, err)
			}
		})
	}
}

// What a page may ask for, given what is listed; by policy alone, so that
// nothing is dialled that should not be.
func TestDialTarget(t *testing.T) {
	server := peer(t, echo)
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	b := to(server, bridge.Target{Host: "localhost", Port: server.Port}, bridge.Target{Host: path})
	p := open(t, serve(t, b))
	port := uint64(server.Port)
	refused := uint64(0)
	for _, tt := range []struct {
		dial wire.Dial
		ok   bool
	}{
		{wire.Dial{}, true},
		{wire.Dial{Host: "127.0.0.1", Port: port}, true},
		{wire.Dial{Address: "127.0.0.1", Port: port}, true},
		{wire.Dial{Host: "127.0.0.1", Address: "127.0.0.1", Port: port}, true},
		{wire.Dial{Host: "::ffff:127.0.0.1", Port: port}, true},
		{wire.Dial{Address: "::ffff:7f00:1", Port: port}, true},
		{wire.Dial{Host: "LOCALHOST.", Port: port}, true},
		{wire.Dial{Host: path}, true},
		{wire.Dial{Host: path, Port: 7}, true},
		{wire.Dial{Port: port}, false},
		{wire.Dial{Host: "127.0.0.1"}, false},
		{wire.Dial{Host: "127.0.0.1", Port: port + 65536}, false},
		{wire.Dial{Host: "127.0.0.1", Port: 1 << 63}, false},
		{wire.Dial{Host: "127.0.0.2", Port: port}, false},
		{wire.Dial{Host: "127.1", Port: port}, false},
		{wire.Dial{Host: "0x7f000001", Port: port}, false},
		{wire.Dial{Host: "0.0.0.0", Port: port}, false},
		{wire.Dial{Host: "::", Port: port}, false},
		{wire.Dial{Address: "::1", Port: port}, false},
		{wire.Dial{Host: "localhost", Address: "127.0.0.1", Port: port}, false}, // resolve has not named it
		{wire.Dial{Host: "127.0.0.1", Address: "127.0.0.2", Port: port}, false},
		{wire.Dial{Host: "127.0.0.1", Address: "localhost", Port: port}, false},
		{wire.Dial{Host: "127.0.0.1", Address: "junk", Port: port}, false},
		{wire.Dial{Host: "127.0.0.1:" + strconv.Itoa(int(port)), Port: port}, false},
		{wire.Dial{Host: "[127.0.0.1]", Port: port}, false},
		{wire.Dial{Host: " 127.0.0.1", Port: port}, false},
		{wire.Dial{Host: "127.0.0.1\x00.test", Port: port}, false},
		{wire.Dial{Host: path + "/"}, false},
		{wire.Dial{Host: strings.ToUpper(path)}, false},
		{wire.Dial{Host: path + "/../s"}, false},
		{wire.Dial{Host: "/etc/passwd"}, false},
		{wire.Dial{Host: "@abstract"}, false},
		{wire.Dial{Host: strings.Repeat("x", 60_000), Port: port}, false},
	} {
		s := p.dial(tt.dial)
		s.await("an answer", func() bool { return s.connected != nil || s.failure != nil })
		if got := s.connected != nil; got != tt.ok {
			t.Errorf("%.200q: connected %v, want %v", tt.dial.Host+" "+tt.dial.Address, got, tt.ok)
		}
		if !tt.ok {
			refused++
			if got, want := s.closed(), wire.ReasonFailed; got != want {
				t.Errorf("closed %v, want %v", got, want)
			}
			f := *s.failure
			if f.Phase != wire.PhasePolicy || f.Code != "EACCES" || f.Errno != 13 || f.Syscall != "connect" {
				t.Errorf("refused with %+v, want EACCES of connect by policy", f)
			}
		}
		s.do(s.Close)
	}
	if got := b.Stats().Refused["target"]; got != refused {
		t.Errorf("%d refusals counted, want %d", got, refused)
	}
}

func TestNoTargets(t *testing.T) {
	p := open(t, serve(t, &bridge.Bridge{}))
	if got := len(p.hello.Targets); got != 0 {
		t.Errorf("hello names %d targets, want none", got)
	}
	s := p.dial(wire.Dial{})
	if got, want := s.closed(), wire.ReasonFailed; got != want || s.failure.Code != "EACCES" {
		t.Errorf("closed %v with %+v, want %v with EACCES", got, s.failure, want)
	}
}
