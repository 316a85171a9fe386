//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds whatever should take no time.
const patience = 10 * time.Second

// process is a peer that runs. Who started it stops it.
type process struct {
	addr  string // where it listens
	forks bool   // a process for each connection
	cmd   *exec.Cmd
	tail  tail // the last of what it wrote to stderr
}

// start starts a peer in a process group of its own and waits until it listens:
// at addr, or if that is empty, where it says on stdout.
func start(ctx context.Context, addr string, forks bool, argv ...string) (*process, error) {
	p := &process{addr: addr, forks: forks, cmd: exec.Command(argv[0], argv[1:]...)}
	// The group is for children of its own; that it dies with us is for when we
	// are killed.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p.cmd.Stderr = &p.tail
	// A pipe that no one reads on fills up, and then who writes to it stands.
	var stdout io.Reader
	var err error
	if addr == "" {
		if stdout, err = p.cmd.StdoutPipe(); err != nil {
			return nil, err
		}
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	unwatch := context.AfterFunc(ctx, p.kill)
	defer unwatch()
	if addr == "" {
		err = p.announced(bufio.NewReader(stdout))
	} else {
		err = p.reached(ctx)
	}
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("%s did not start: %w\n%s", argv[0], errors.Join(err, ctx.Err()), p.tail.String())
	}
	return p, nil
}

// announced waits for the line "open http://host:port" of a gateway, or a
// tcpserver's "listening on host:port, try …".
func (p *process) announced(stdout *bufio.Reader) error {
	late := time.AfterFunc(6*patience, p.kill) // the gateway compiles its page first
	defer late.Stop()
	for {
		line, err := stdout.ReadString('\n')
		if err != nil {
			return err
		}
		for _, prefix := range []string{"open http://", "listening on "} {
			if addr, ok := strings.CutPrefix(line, prefix); ok {
				p.addr, _, _ = strings.Cut(strings.TrimSpace(addr), ",")
				return nil
			}
		}
	}
}

// reached waits until it listens. To try whether it does would make a
// connection to the server behind it, where one that is measured is awaited.
func (p *process) reached(ctx context.Context) error {
	addr, err := netip.ParseAddrPort(p.addr)
	if err != nil {
		return err
	}
	for end := time.Now().Add(patience); ; {
		if yes, err := listens(addr.Port()); yes || err != nil {
			return err
		}
		if time.Now().After(end) {
			return errors.New("it does not listen")
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// listens tells whether anyone does at a port (proc_net_tcp(5)).
func listens(port uint16) (bool, error) {
	table, err := os.Open("/proc/net/tcp")
	if err != nil {
		return false, err
	}
	defer table.Close()
	suffix := fmt.Sprintf(":%04X", port)
	lines := bufio.NewScanner(table)
	lines.Scan() // the names of the columns
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if fields[3] != "0A" {
			break // those that listen come first, and many thousands may follow
		}
		if strings.HasSuffix(fields[1], suffix) {
			return true, nil
		}
	}
	return false, lines.Err()
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// kill ends it and its children, which are in its group.
func (p *process) kill() { _ = unix.Kill(-p.pid(), unix.SIGKILL) }

// stop ends it and waits until it is gone.
func (p *process) stop() {
	p.kill()
	_ = p.cmd.Wait() // that it was killed is no news
}

// cpu is the time it has used on all processors.
func (p *process) cpu() (time.Duration, error) {
	if !p.forks {
		return clock(p.pid())
	}
	return family(p.pid())
}

// clock reads the CPU clock of another process, as clock_getcpuclockid(3) makes
// it; /proc would tell ticks of 10 ms.
func clock(pid int) (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
		return 0, fmt.Errorf("cpu clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// family is the time of a process and its children, and of those that have
// ended and were waited for; of these to a tick.
func family(pid int) (time.Duration, error) {
	total, err := clock(pid)
	if err != nil {
		return 0, err
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// Behind the name, which may contain anything, cutime and cstime are the
	// 14th and 15th (proc_pid_stat(5)).
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	for _, field := range fields[13:15] {
		ticks, err := strconv.Atoi(string(field))
		if err != nil {
			return 0, err
		}
		total += time.Duration(ticks) * 10 * time.Millisecond
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0, err
	}
	for child := range strings.FieldsSeq(string(children)) {
		n, err := strconv.Atoi(child)
		if err != nil {
			return 0, err
		}
		// One that ends meanwhile shows in its parent's times at the next look.
		if used, err := family(n); err == nil {
			total += used
		}
	}
	return total, nil
}

// pss is its proportional share of memory in bytes.
func (p *process) pss() (float64, error) { return p.memory("Pss:") }

// memory is one of the sums in bytes that proc_pid_smaps(5) tells.
func (p *process) memory(name string) (float64, error) {
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.pid()))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(rollup)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kib, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			return float64(kib) * 1024, err
		}
	}
	return 0, fmt.Errorf("smaps_rollup tells no %s", name)
}

// tail keeps the last bytes written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	t.b = t.b[max(0, len(t.b)-2<<10):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
