//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// profiler writes perf's report on a process to name.txt, and the top of it to
// out. A process that is looked at is slower: figures found meanwhile are for
// that run alone.
func profiler(ctx context.Context, name string, out io.Writer) func(*process) (stop func() error, err error) {
	return func(p *process) (func() error, error) {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return nil, err
		}
		data := name + ".data"
		record, err := startRecord(p.pid(), data)
		if err != nil {
			return nil, err
		}
		return func() error {
			defer os.Remove(data)
			if err := record.end(); err != nil {
				return err
			}
			text, err := report(ctx, data, "-g", "graph")
			if err != nil {
				return err
			}
			flat, err := report(ctx, data, "-g", "none")
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "profile of %s, in full in %s.txt:\n%s", filepath.Base(name), name, top(flat))
			return os.WriteFile(name+".txt", text, 0o644)
		}, nil
	}
}

// recording is perf at work on a process.
type recording struct {
	cmd     *exec.Cmd
	said    tail
	control *os.File // it gives up when this is closed
}

// startRecord returns once perf looks: to attach takes it longer than a short
// window lasts, and then its report would be empty.
func startRecord(pid int, data string) (*recording, error) {
	orders, control, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer orders.Close()
	answers, acks, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, control.Close())
	}
	defer answers.Close()
	r := &recording{control: control, cmd: exec.Command("perf", "record", "-q", "-g", "-D", "-1", "--control", "fd:3,4",
		"-p", strconv.Itoa(pid), "-o", data)}
	r.cmd.ExtraFiles = []*os.File{orders, acks}
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r.cmd.Stderr = &r.said
	err = r.cmd.Start()
	_ = acks.Close() // perf has its own, and if it ends we are to see that
	if err != nil {
		return nil, errors.Join(err, control.Close())
	}
	if err := enable(control, answers); err != nil {
		return nil, errors.Join(fmt.Errorf("perf record: %w", err), r.end())
	}
	return r, nil
}

// enable has perf begin, and waits until it says that it has
// (perf-record(1), --control).
func enable(control io.Writer, answers *os.File) error {
	if _, err := io.WriteString(control, "enable\n"); err != nil {
		return err
	}
	if err := answers.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	var b [16]byte
	n, err := answers.Read(b[:])
	if err == nil && !bytes.HasPrefix(b[:n], []byte("ack\n")) {
		err = fmt.Errorf("answered %q", b[:n])
	}
	return err
}

// end has perf write what it has, and waits for it.
func (r *recording) end() error {
	defer r.control.Close()
	_ = r.cmd.Process.Signal(os.Interrupt)
	late := time.AfterFunc(patience, func() { _ = r.cmd.Process.Kill() })
	err := r.cmd.Wait()
	late.Stop()
	status, ok := r.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() && status.Signal() == syscall.SIGINT {
		return nil // it writes its file, and then ends as it was told to
	}
	if err != nil {
		return fmt.Errorf("perf record: %w\n%s", err, r.said.String())
	}
	return nil
}

func report(ctx context.Context, data string, how ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "perf", append([]string{"report", "--stdio", "--no-children", "-i", data}, how...)...)
	var said tail
	cmd.Stderr = &said
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd, err, said.String())
	}
	return text, nil
}

// top are the first entries of a report without call graphs.
func top(flat []byte) string {
	const most = 12
	var lines []string
	for line := range strings.Lines(string(flat)) {
		if s := strings.TrimSpace(line); s != "" && s[0] != '#' && len(lines) < most {
			lines = append(lines, "  "+s+"\n")
		}
	}
	return cmp.Or(strings.Join(lines, ""), "  no samples\n")
}
