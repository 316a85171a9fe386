//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestServer(t *testing.T) {
	p := start(t)
	if got, want := p.stdout.until(t, "^listening"), fmt.Sprintf("listening on %s, try: nc ", p.addr); !strings.HasPrefix(got, want) {
		t.Errorf("it says %q, want %q…", got, want)
	}
	c := dial(t, "tcp", p.addr)
	client := c.LocalAddr()
	talk(t, c, "哇咔咔", "你好哇咔咔")
	talk(t, c, "\x1b[31m\xff\n", "你好\x1b[31m\xff\n")
	hangUp(t, c)
	p.stderr.until(t, ` close +#1$`)
	p.signal(t, syscall.SIGTERM)
	if status := p.wait(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	want := fmt.Sprintf(`listening   %s
connection  #1   from=%s
data        #1       9 bytes  哇咔咔
write()     #1      15 bytes  你好哇咔咔
data        #1       7 bytes  \x1b[31m\xff\n
write()     #1      13 bytes  你好\x1b[31m\xff\n
end         #1
end()       #1
close       #1
closing     open=0 grace=5s
close()
close`, p.addr, client)
	clock := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{3} `)
	if got := clock.ReplaceAllString(p.stderr.String(), ""); got != want {
		t.Errorf("it logs\n%s\nwant\n%s", got, want)
	}
}

func TestJSONLog(t *testing.T) {
	p := start(t, "--log=json")
	c := dial(t, "tcp", p.addr)
	talk(t, c, "x", "你好x")
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close() // RST
	p.stderr.until(t, `"msg":"close"`)
	p.signal(t, os.Interrupt)
	p.wait(t)
	var events []string
	for line := range strings.SplitSeq(p.stderr.String(), "\n") {
		var l struct {
			Time          time.Time
			Level, Msg    string
			Side, Local   string
			Conn, To      uint64
			Start, Return int64
			Text          string
			Code, Syscall string
			HadError      bool
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		events = append(events, l.Msg)
		if l.Msg == "closing" {
			continue
		}
		if l.Side != "server" || l.Local != p.addr || l.Start == 0 || l.Start > l.Return || l.Time.IsZero() {
			t.Errorf("fields are missing: %s", line)
		}
		switch {
		case l.Msg == "data" && (l.Conn != 1 || l.To != 1 || l.Text != "x"),
			l.Msg == "error" && (l.Code != "ECONNRESET" || l.Syscall != "read" || l.Level != "WARN"),
			l.Msg == "close" && l.HadError != (l.Conn == 1):
			t.Errorf("unexpected: %s", line)
		}
	}
	want := []string{"listening", "connection", "data", "write()", "error", "close", "closing", "close()", "close"}
	if !slices.Equal(events, want) {
		t.Errorf("it logs %q, want %q", events, want)
	}
}

func TestTermWaitsForOpenConnections(t *testing.T) {
	p := start(t, "--grace=1h")
	c := dial(t, "tcp", p.addr)
	talk(t, c, "x", "你好x")
	p.signal(t, syscall.SIGTERM)
	p.stderr.until(t, `closing +open=1 grace=1h0m0s$`)
	refused(t, p.addr)
	talk(t, c, "y", "你好y")
	hangUp(t, c)
	if status := p.wait(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if got := p.stderr.String(); strings.Contains(got, "cut") || !strings.HasSuffix(got, " close") {
		t.Errorf("it logs\n%s\nwant it to end with close, and none cut", got)
	}
}

// refused waits until no one listens on addr.
func refused(t *testing.T, addr string) {
	t.Helper()
	for late := time.Now().Add(patience); time.Now().Before(late); {
		c, err := net.Dial("tcp", addr)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			_ = c.Close()
		}
	}
	t.Fatalf("%s still accepts", addr)
}

func TestCutAfterGrace(t *testing.T) {
	p := start(t, "--grace=100ms")
	for range 2 {
		talk(t, dial(t, "tcp", p.addr), "x", "你好x")
	}
	p.signal(t, syscall.SIGTERM)
	if status := p.wait(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	p.stderr.until(t, `closing +open=2 grace=100ms$`)
	p.stderr.until(t, `cut +2 connections were cut$`)
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		p := start(t, "--grace=1h")
		talk(t, dial(t, "tcp", p.addr), "x", "你好x")
		p.signal(t, s)
		p.stderr.until(t, `closing +open=1`)
		p.signal(t, s)
		if status := p.wait(t); status != 1 {
			t.Errorf("%v: exit status %d, want 1", s, status)
		}
	}
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	path := filepath.Join(t.TempDir(), "s")
	takenPath, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer takenPath.Close()
	for _, addr := range []string{taken.Addr().String(), path} {
		p := launch(t, "--listen="+addr, "--events=")
		if status := p.wait(t); status != 1 {
			t.Errorf("exit status %d, want 1", status)
		}
		p.stderr.until(t, `^\S+ error +`+regexp.QuoteMeta(addr)+`: address already in use `)
		p.stderr.until(t, `^ +try .*--listen`)
		if got := strings.Count(p.stderr.String(), "\n") + 1; got != 2 {
			t.Errorf("%d lines on stderr, want 2:\n%s", got, p.stderr)
		}
		if got := p.stdout.String(); got != "" {
			t.Errorf("stdout: %q", got)
		}

		p = launch(t, "TCPSERVER_LOG=json", "--listen="+addr)
		if status := p.wait(t); status != 1 {
			t.Errorf("exit status %d, want 1", status)
		}
		var l struct{ Level, Msg, Error, Code, Try string }
		if err := json.Unmarshal([]byte(p.stderr.String()), &l); err != nil {
			t.Errorf("%s: %v", p.stderr, err)
		}
		if l.Level != "ERROR" || l.Msg != "error" || l.Code != "EADDRINUSE" || l.Error != addr+": address already in use" || l.Try == "" {
			t.Errorf("it logs %s", p.stderr)
		}
	}
}

func TestEventsInUseIsAWarning(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := launch(t, "--listen=127.0.0.1:0", "--events="+taken.Addr().String())
	p.stderr.until(t, `no events +`+taken.Addr().String()+`: address already in use`)
	p.stderr.until(t, `try --events`)
	talk(t, dial(t, "tcp", field(t, p.stdout.until(t, "^listening"), 2)), "x", "你好x")
}

func TestWrongOptions(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"unknown flag", []string{"--nonsense"}, `^tcpserver: unknown flag --nonsense`},
		{"argument", []string{"--log=text", "more"}, `^tcpserver: unexpected argument more`},
		{"log", []string{"--log=xml"}, `--log must be one of "text","json"`},
		{"no port", []string{"--listen=localhost"}, `error +localhost: .*missing port`},
		{"no port for events", []string{"--listen=127.0.0.1:0", "--events=localhost"}, `error +localhost: .*missing port`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := launch(t, tt.args...)
			if status := p.wait(t); status != 1 {
				t.Errorf("exit status %d, want 1", status)
			}
			p.stderr.until(t, tt.want)
		})
	}
}

func TestHelp(t *testing.T) {
	p := launch(t, "--help")
	if status := p.wait(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	for _, name := range []string{"LISTEN", "GREETING", "IDLE", "GRACE", "LOG", "EVENTS"} {
		p.stdout.until(t, regexp.QuoteMeta("$TCPSERVER_"+name))
	}
}

func TestEnvironment(t *testing.T) {
	p := start(t, "TCPSERVER_GREETING=hi ", "TCPSERVER_IDLE=50ms")
	c := dial(t, "tcp", p.addr)
	talk(t, c, "x", "hi x")
	if rest, err := io.ReadAll(c); len(rest) > 0 || err != nil { // closed when idle
		t.Errorf("read %q, %v; want the end", rest, err)
	}
	p.stderr.until(t, ` timeout +#1$`)
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "greeter")
	for range 2 { // the second replaces what the first leaves behind
		p := launch(t, "--listen="+path, "--events=")
		if got, want := p.stdout.until(t, "^listening"), "listening on "+path+", try: nc -U "+path; got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
		c := dial(t, "unix", path)
		talk(t, c, "哇咔咔", "你好哇咔咔")
		hangUp(t, c)
		_ = p.Kill()
		<-p.ended
		if _, err := os.Lstat(path); err != nil {
			t.Fatal(err)
		}
	}
}

// The client of the chapter, as it stands there.
const nodeClient = `
const net = require('net');
const client = new net.Socket();
client.on('connect', () => { console.log('connect'); client.write('哇咔咔'); });
client.on('data', (data) => { console.log('data ' + data); client.end(); });
client.on('error', (err) => { console.log('error ' + err.code); });
client.on('end', () => { console.log('end'); });
client.on('close', (hadError) => { console.log('close ' + hadError); });
client.connect(process.argv[1], process.argv[2]);
`

func TestNodeClient(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("SKIPPED: the greeter was not tested with Node, for node is not installed")
	}
	p := start(t)
	host, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got, err := exec.CommandContext(ctx, node, "-e", nodeClient, port, host).CombinedOutput()
	if want := "connect\ndata 你好哇咔咔\nend\nclose false\n"; string(got) != want || err != nil {
		t.Errorf("it says %q, %v; want %q", got, err, want)
	}
	p.stderr.until(t, ` data +#1 +9 bytes  哇咔咔$`)
	p.stderr.until(t, ` close +#1$`)
}
