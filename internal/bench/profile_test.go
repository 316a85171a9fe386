//go:build linux

package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A profile that could not be made fails its measurement, in each phase.
func TestFailedProfileIsTold(t *testing.T) {
	boom := errors.New("perf has no samples")
	p := hopIn(t, func(page, server net.Conn) { carry(page, server, page) })
	for _, name := range []string{"echo64", "rtt"} {
		for _, c := range []struct {
			name        string
			begin, stop error
		}{{"begin", boom, nil}, {"stop", nil, boom}} {
			b := tiny(t)
			tr := &trial{ctx: t.Context(), peer: p, dir: b.dir, pattern: b.pattern, window: b.window,
				profile: func(*process) (func() error, error) { return func() error { return c.stop }, c.begin }}
			err := phaseOf(t, name).run(tr)
			if end := tr.end(); end != nil {
				t.Errorf("%s, %s: end: %v", name, c.name, end)
			}
			if !errors.Is(err, boom) {
				t.Errorf("%s, %s: got %v, want %v", name, c.name, err, boom)
			}
		}
	}
}

// However short it looks, perf has seen a process that is busy.
func TestProfile(t *testing.T) {
	if _, err := exec.LookPath("perf"); err != nil {
		t.Skip(err)
	}
	p, err := start(t.Context(), "", false, "/bin/sh", "-c", "echo open http://127.0.0.1:1; while :; do :; done")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	name := filepath.Join(t.TempDir(), "busy")
	var out strings.Builder
	stop, err := profiler(t.Context(), name, &out)(p)
	if err != nil {
		t.Skip("perf may not look here: ", err)
	}
	before, err := p.cpu()
	for used := before; err == nil && used < before+50*time.Millisecond; used, err = p.cpu() {
		<-time.After(10 * time.Millisecond)
	}
	if err := errors.Join(err, stop()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "%") {
		t.Errorf("got %q, want what it was busy with", &out)
	}
	if text, err := os.ReadFile(name + ".txt"); err != nil || !strings.Contains(string(text), "%") {
		t.Errorf("got %q, %v, want a report", text, err)
	}
}
