// Package e2e tests the whole chain as its users meet it: the commands as
// processes of their own, real sockets between them, and the page in a browser.
package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait of these tests.
const patience = 30 * time.Second

// bin is where TestMain has built the commands.
var bin string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "porthole-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin = dir
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	if race {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "porthole/gateway", "porthole/tcpserver", "porthole/examples/serve")...)
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the commands:", err)
		return 1
	}
	return m.Run()
}

// process is a running command. It ends with its test.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	lines  chan string // of stdout
	ended  chan struct{}
	err    error // of Wait, once ended
	stderr output
}

// maxSaid is how much of that is shown when a test fails.
const maxSaid = 64 << 10

// output gathers what a process writes.
type output struct {
	wrote chan struct{} // it has more than it had; of capacity 1
	mu    sync.Mutex
	b     bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.wrote <- struct{}{}:
	default:
	}
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// depend opens every file that the commands are built from. The go command
// forgets a result when a file has changed that the test's process opened; what
// a build within it reads does not count.
func depend(t testing.TB) {
	t.Helper()
	dependOn(t, "gateway", "tcpserver", "examples/serve", "web", "wire")
}

func dependOn(t testing.TB, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join("..", "..", dir), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "dist" || d.Name() == "node_modules"):
				return fs.SkipDir // what make made of the rest
			case !d.Type().IsRegular():
				return nil
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			return f.Close()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// start runs a command; at the test's end it is killed, and a data race that it
// found fails the test.
func start(t testing.TB, name string, args ...string) *process {
	t.Helper()
	depend(t)
	p := &process{t: t, cmd: exec.Command(name, args...), lines: make(chan string, 64), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0") // it is not what is measured
	p.stderr.wrote = make(chan struct{}, 1)
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		scan := bufio.NewScanner(stdout)
		for scan.Scan() {
			p.lines <- scan.Text()
		}
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		if strings.Contains(p.stderr.String(), "DATA RACE") {
			t.Errorf("%s: %s", filepath.Base(name), p.stderr.String())
		}
		if t.Failed() {
			said := p.stderr.String()
			t.Logf("%s %v:\n%s", filepath.Base(name), args, said[max(0, len(said)-maxSaid):])
		}
	})
	return p
}

// line waits for a line of stdout with the prefix and returns what follows it.
func (p *process) line(prefix string) string {
	p.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case l := <-p.lines:
			if rest, ok := strings.CutPrefix(l, prefix); ok {
				return rest
			}
		case <-p.ended:
			p.t.Fatalf("%s ended before it printed %q: %v\n%s", p.cmd.Path, prefix, p.err, p.stderr.String())
		case <-timeout:
			p.t.Fatalf("%s did not print %q\n%s", p.cmd.Path, prefix, p.stderr.String())
		}
	}
}

// says waits until stderr has the words.
func (p *process) says(words string) {
	p.t.Helper()
	timeout := time.After(patience)
	for !strings.Contains(p.stderr.String(), words) {
		select {
		case <-p.stderr.wrote:
		case <-p.ended:
			p.t.Fatalf("%s ended before it said %q: %v\n%s", p.cmd.Path, words, p.err, p.stderr.String())
		case <-timeout:
			p.t.Fatalf("%s did not say %q\n%s", p.cmd.Path, words, p.stderr.String())
		}
	}
}

// term asks the process to end.
func (p *process) term() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits for the end and returns the exit status.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("%s does not end\n%s", p.cmd.Path, p.stderr.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

// kill ends the process at once, if it has not ended.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// tcpserver starts a greeter and returns where it is: its address, and the URL
// of its events.
func tcpserver(t testing.TB, args ...string) (p *process, addr, events string) {
	t.Helper()
	p = start(t, filepath.Join(bin, "tcpserver"), append([]string{"--listen", "127.0.0.1:0", "--events", "127.0.0.1:0"}, args...)...)
	addr, _, _ = strings.Cut(p.line("listening on "), ",")
	events, _, _ = strings.Cut(p.line("events at "), ",")
	return p, addr, events
}

// gateway starts a gateway and returns the page's URL.
func gateway(t testing.TB, args ...string) (p *process, url string) {
	t.Helper()
	p = start(t, filepath.Join(bin, "gateway"), append([]string{"--listen", "127.0.0.1:0"}, args...)...)
	return p, p.line("open ")
}

// unused is an address that no one listens on.
func unused(t testing.TB) string {
	t.Helper()
	l := listen(t)
	addr := l.Addr().String()
	_ = l.Close()
	return addr
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// serve runs a server of the test's own and returns its address. Each
// connection is closed when handle returns, and waited for at the test's end.
func serve(t testing.TB, handle func(c *net.TCPConn)) string {
	t.Helper()
	l := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				defer context.AfterFunc(ctx, func() { _ = c.Close() })()
				handle(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = l.Close()
		running.Wait()
	})
	return l.Addr().String()
}

// echo gives back what it gets, and ends when its client has.
func echo(c *net.TCPConn) { _, _ = io.Copy(c, c) }

// got receives from a channel within patience.
func got[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

// node runs a program in Node, or skips.
func node(t testing.TB, program string, args ...string) *process {
	t.Helper()
	path, err := exec.LookPath("node")
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("no node on this machine: the peer that no one here wrote is not tested")
	}
	file := filepath.Join(t.TempDir(), "main.js")
	if err := os.WriteFile(file, []byte(program), 0o666); err != nil {
		t.Fatal(err)
	}
	return start(t, path, append([]string{file}, args...)...)
}
