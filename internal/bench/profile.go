//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// profiler writes perf's report on a process to name.txt. A process that is
// looked at is slower: figures found meanwhile are for that run alone.
func profiler(ctx context.Context, name string) func(*process) (stop func() error, err error) {
	return func(p *process) (func() error, error) {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return nil, err
		}
		data := name + ".data"
		record := exec.Command("perf", "record", "-q", "-g", "-p", strconv.Itoa(p.pid()), "-o", data)
		var said tail
		record.Stderr = &said
		if err := record.Start(); err != nil {
			return nil, err
		}
		return func() error {
			defer os.Remove(data)
			// It ends by itself on SIGINT, and says then that it was interrupted.
			_ = record.Process.Signal(os.Interrupt)
			late := time.AfterFunc(patience, func() { _ = record.Process.Kill() })
			_ = record.Wait()
			late.Stop()
			report := exec.CommandContext(ctx, "perf", "report", "--stdio", "--no-children", "-i", data)
			text, err := report.Output()
			if err != nil {
				return fmt.Errorf("%v: %w\n%s", report, err, said.String())
			}
			return os.WriteFile(name+".txt", text, 0o644)
		}, nil
	}
}
