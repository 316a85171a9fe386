package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// asMain makes this test binary be the command. A command cannot be imported,
// which is why its tests are in its package.
const asMain = "TCPSERVER_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// patience bounds what a test waits for and should come at once.
const patience = 20 * time.Second

// process is a running tcpserver.
type process struct {
	*os.Process
	addr           string // where it listens
	events         string // the URL of its events; empty if there is none
	stdout, stderr *transcript
	ended          chan struct{} // closed when it has
	err            error         // how; valid after ended
}

// launch runs the command with env (NAME=value) in front of its arguments; the
// test kills it if no one else ends it.
func launch(t *testing.T, args ...string) *process {
	t.Helper()
	i := slices.IndexFunc(args, func(s string) bool { return strings.HasPrefix(s, "-") })
	if i < 0 {
		i = len(args)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], args[i:]...)
	cmd.Env = append(append(os.Environ(), asMain+"=1", "GORACE=atexit_sleep_ms=0"), args[:i]...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{Process: cmd.Process, stdout: newTranscript(), stderr: newTranscript(), ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		var read sync.WaitGroup
		read.Go(func() { p.stdout.follow(stdout) })
		read.Go(func() { p.stderr.follow(stderr) })
		read.Wait()
		p.err = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.Kill() // it has ended already, as a rule
		<-p.ended
	})
	return p
}

// start launches a server on free ports, and waits until it listens.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := launch(t, append(args, "--listen=127.0.0.1:0", "--events=127.0.0.1:0")...)
	p.addr = field(t, p.stdout.until(t, `^listening on `), 2)
	p.events = field(t, p.stdout.until(t, `^events at `), 2)
	return p
}

// field is the n-th word of a line.
func field(t *testing.T, line string, n int) string {
	t.Helper()
	words := strings.Fields(line)
	if len(words) <= n {
		t.Fatalf("%q has no word %d", line, n)
	}
	return strings.TrimSuffix(words[n], ",")
}

// wait waits for the end, and gives the exit status: -1 for a signal.
func (p *process) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatalf("it does not end; it said\n%s", p.stderr)
	}
	if exit, ok := errors.AsType[*exec.ExitError](p.err); ok {
		return exit.ExitCode()
	}
	if p.err != nil {
		t.Fatal(p.err)
	}
	return 0
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// transcript is what a process has said so far, line by line.
type transcript struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed by the next line
}

func newTranscript() *transcript { return &transcript{more: make(chan struct{})} }

func (tr *transcript) follow(r io.Reader) {
	for s := bufio.NewScanner(r); s.Scan(); {
		tr.mu.Lock()
		tr.lines = append(tr.lines, s.Text())
		close(tr.more)
		tr.more = make(chan struct{})
		tr.mu.Unlock()
	}
}

// until waits for a line that matches, and gives it.
func (tr *transcript) until(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.After(patience)
	for {
		tr.mu.Lock()
		i, more := slices.IndexFunc(tr.lines, re.MatchString), tr.more
		if i >= 0 {
			defer tr.mu.Unlock()
			return tr.lines[i]
		}
		tr.mu.Unlock()
		select {
		case <-more:
		case <-late:
			t.Fatalf("no line matches %q in\n%s", pattern, tr)
		}
	}
}

func (tr *transcript) String() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return strings.Join(tr.lines, "\n")
}

// dial connects a client as simple as nc; the test closes it.
func dial(t *testing.T, network, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// talk sends a message and expects an answer.
func talk(t *testing.T, c net.Conn, message, want string) {
	t.Helper()
	if _, err := io.WriteString(c, message); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); string(got) != want {
		t.Fatalf("read %q, %v; want %q", got[:n], err, want)
	}
}

// hangUp ends a client and waits until the server has.
func hangUp(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(c); len(rest) > 0 || err != nil {
		t.Errorf("read %q, %v; want the end", rest, err)
	}
	_ = c.Close()
}
