//go:build linux

package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// hopIn is a peer that is a process like any other and carries nothing; what
// carries is hop, within the test.
func hopIn(t *testing.T, hop func(page, server net.Conn)) peer {
	return peer{name: "hop", speaks: speaksTCP, start: func(ctx context.Context, dir string, targets []string) (*process, error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				page, err := l.Accept()
				if err != nil {
					return
				}
				server, err := net.Dial("tcp", targets[0])
				if err != nil {
					page.Close()
					return
				}
				go hop(page, server)
			}
		}()
		return start(ctx, l.Addr().String(), false, "/bin/sleep", "60")
	}}
}

func carry(page, server net.Conn, back io.Writer) {
	go func() {
		_, _ = io.Copy(server, page)
		server.Close()
	}()
	_, _ = io.Copy(back, server)
	page.Close()
}

// spoiler changes one byte when so many have passed.
type spoiler struct {
	io.Writer
	after int
}

func (s *spoiler) Write(p []byte) (int, error) {
	if s.after >= 0 && s.after < len(p) {
		p = slices.Clone(p)
		p[s.after] ^= 1
	}
	s.after -= len(p)
	return s.Writer.Write(p)
}

func tiny(t *testing.T) *bench {
	t.Helper()
	return &bench{options: options{window: 50 * time.Millisecond, rounds: 1}, dir: t.TempDir(), stderr: io.Discard,
		pattern: newPattern(), results: results{failed: map[[2]string]bool{}}}
}

func phaseOf(t *testing.T, name string) phase {
	t.Helper()
	some, err := selected(phases(false), name)
	if err != nil {
		t.Fatal(err)
	}
	return some[0]
}

func TestWrongByteFailsByName(t *testing.T) {
	p := hopIn(t, func(page, server net.Conn) { carry(page, server, &spoiler{page, 1000}) })
	for _, name := range []string{"echo1k", "down"} {
		b := tiny(t)
		failed := b.measure(t.Context(), []phase{phaseOf(t, name)}, []peer{p})
		if err := errors.Join(failed...); err == nil || !strings.HasPrefix(err.Error(), name+", hop, round 1: ") ||
			!strings.Contains(err.Error(), "byte 1000 is wrong") {
			t.Errorf("%s: got %v, want that byte 1000 is wrong", name, err)
		}
		if len(b.results.samples) > 0 {
			t.Errorf("%s: it failed and has figures %v", name, b.results.samples)
		}
	}
}

// A byte that goes wrong on its way up is the server's to see.
func TestWrongByteUpFails(t *testing.T) {
	p := hopIn(t, func(page, server net.Conn) {
		go func() { _, _ = io.Copy(page, server) }()
		_, _ = io.Copy(&spoiler{server, 1000}, page)
		server.Close()
		page.Close()
	})
	failed := tiny(t).measure(t.Context(), []phase{phaseOf(t, "up")}, []peer{p})
	if err := errors.Join(failed...); err == nil || !strings.Contains(err.Error(), "byte 1000 is wrong") {
		t.Errorf("got %v, want that byte 1000 is wrong", err)
	}
}

func TestLostConnectionFails(t *testing.T) {
	p := hopIn(t, func(page, server net.Conn) {
		_, _ = io.CopyN(server, page, small)
		server.Close()
		page.Close()
	})
	if failed := tiny(t).measure(t.Context(), []phase{phaseOf(t, "echo64")}, []peer{p}); len(failed) != 1 {
		t.Errorf("got %v, want one failure", failed)
	}
}

func TestRightBytesPass(t *testing.T) {
	p := hopIn(t, func(page, server net.Conn) { carry(page, server, page) })
	b := tiny(t)
	var all []phase
	for _, name := range []string{"echo64x16", "down", "up"} {
		all = append(all, phaseOf(t, name))
	}
	if failed := b.measure(t.Context(), all, []peer{p}); len(failed) > 0 {
		t.Errorf("failed: %v", failed)
	}
	if got := len(b.results.rounds(key{"down", "hop", "down rate"})); got != 1 {
		t.Errorf("got %d rounds of down, want 1", got)
	}
}

// A run that is told to end leaves no process, and says that it was told.
func TestInterrupted(t *testing.T) {
	p := hopIn(t, func(page, server net.Conn) { carry(page, server, page) })
	var child *process
	inner := p.start
	ctx, cancel := context.WithCancel(t.Context())
	p.start = func(ctx context.Context, dir string, targets []string) (*process, error) {
		var err error
		child, err = inner(ctx, dir, targets)
		time.AfterFunc(20*time.Millisecond, cancel)
		return child, err
	}
	b := tiny(t)
	b.window = time.Minute
	failed := b.measure(ctx, []phase{phaseOf(t, "echo64")}, []peer{p})
	if err := errors.Join(failed...); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if len(b.results.failed) > 0 {
		t.Errorf("got failures %v of peers that were only interrupted", b.results.failed)
	}
	if child.cmd.ProcessState == nil {
		t.Error("the peer was not waited for")
	}
}

func TestClockOfAnotherProcess(t *testing.T) {
	p, err := start(t.Context(), "", false, "/bin/sh", "-c", "echo open http://127.0.0.1:1; while :; do :; done")
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	for end := time.Now().Add(patience); ; {
		used, err := p.cpu()
		if err != nil {
			t.Fatal(err)
		}
		if used > 10*time.Millisecond {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("a busy process used %v", used)
		}
		<-time.After(time.Millisecond)
	}
	if pss, err := p.pss(); err != nil || pss < 1 {
		t.Errorf("pss: got %v, %v", pss, err)
	}
}

// TestSmoke runs the real ones for a moment, to see that they carry. What they
// cost is for the command to say.
func TestSmoke(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the gateway and its page")
	}
	depend(t)
	b := tiny(t)
	whom := peers()[:3]
	if why := absent(whom[0]); why != "" {
		t.Skip(why)
	}
	if err := build(t.Context(), b.dir, ours...); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "gateway")); err != nil {
		t.Fatal(err)
	}
	if failed := b.measure(t.Context(), []phase{phaseOf(t, "echo64"), phaseOf(t, "setup")}, whom); len(failed) > 0 {
		t.Errorf("failed: %v", failed)
	}
	for _, p := range whom {
		if f, ok := b.results.figure(key{"echo64", p.name, "echo rate"}); !ok || f.median <= 0 {
			t.Errorf("%s: got rate %v", p.name, f.median)
		}
	}
	if err := exec.Command(filepath.Join(b.dir, "straw")).Run(); err == nil {
		t.Error("the straw man started without a target")
	}
}

// depend opens every file that the gateway is built from: the go command keeps a
// result until a file changes that the test's process opened, and what a build
// within it reads does not count.
func depend(t *testing.T) {
	t.Helper()
	for _, dir := range []string{"gateway", "tcpserver", "web", "wire"} {
		err := filepath.WalkDir(filepath.Join("..", "..", dir), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "dist":
				return fs.SkipDir // what make build made
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
