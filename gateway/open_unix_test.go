//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// starter puts a program in front of PATH under the names of those that start a
// browser.
func starter(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	name := "xdg-open"
	if runtime.GOOS == "darwin" {
		name = "open"
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// shared is a buffer that the gateway and the programs that it starts write to.
type shared struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func TestOpen(t *testing.T) {
	const address = "http://127.0.0.1:8080"
	tests := []struct {
		name, script string
		want, not    string // in stderr
	}{
		{"opened", "echo opens $1", "opens " + address, "level=WARN"},
		{"fails", "echo no display >&2; exit 3", "no display", "opens"},
		{"fails, and is a warning", "exit 3", `level=WARN msg="no browser was opened" error="exit status 3"`, "opens"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			starter(t, tt.script)
			var stderr bytes.Buffer
			g := &gateway{logger: slog.New(slog.NewTextHandler(&stderr, nil)), stderr: &stderr}
			g.open(t.Context(), address)
			if got := stderr.String(); !strings.Contains(got, tt.want) || strings.Contains(got, tt.not) {
				t.Errorf("stderr is %q, want %q and no %q", got, tt.want, tt.not)
			}
		})
	}
}

// The command opens the page that it serves, and says on stdout where that is
// and nothing else.
func TestRunOpens(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	starter(t, "echo noise; echo $1 >"+fifo)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	f, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	var stdout bytes.Buffer
	var stderr shared
	done := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"--open", "--listen", "127.0.0.1:0", "--target", "127.0.0.1:9"}, &stdout, &stderr)
		_ = f.Close() // nothing more is read
		done <- err
	}()
	opened, err := bufio.NewReader(f).ReadString('\n')
	if err != nil {
		t.Fatalf("%v\n%s", <-done, stderr.String())
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
	if got, want := stdout.String(), "open "+opened; got != want || !strings.HasPrefix(want, "open http://127.0.0.1:") {
		t.Errorf("stdout is %q, and %q was opened", got, opened)
	}
}
