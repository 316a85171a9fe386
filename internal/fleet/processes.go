package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience bounds whatever should not take long.
const patience = 60 * time.Second

// process is one of the fleet's.
type process struct {
	name  string
	addr  string // where it listens
	cmd   *exec.Cmd
	log   lines
	ended chan struct{}
	err   error // of its end; once ended is closed
}

// lines is what a process wrote to stderr.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// spawn starts a process, and waits until it listens at addr.
func spawn(ctx context.Context, name, addr string, argv ...string) (*process, error) {
	p := &process{name: name, addr: addr, cmd: exec.Command(argv[0], argv[1:]...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = dieWithUs()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	err := poll(ctx, name+" listens", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil || p.over()
	})
	if p.over() && err == nil {
		err = fmt.Errorf("%s has ended: %w", name, p.err)
	}
	if err != nil {
		p.signal(syscall.SIGKILL)
		return nil, fmt.Errorf("%w\n%s", err, &p.log)
	}
	return p, nil
}

func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// signal sends a signal, and waits until the process has ended.
func (p *process) signal(s syscall.Signal) {
	_ = p.cmd.Process.Signal(s) // it may have ended
	<-p.ended
}

// poll waits until ok.
func poll(ctx context.Context, what string, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for tick := time.Tick(20 * time.Millisecond); !ok(); {
		select {
		case <-tick:
		case <-ctx.Done():
			return fmt.Errorf("waited in vain until %s: %w", what, ctx.Err())
		}
	}
	return nil
}

// free are addresses that no one listens on. They are below those that the kernel
// gives to clients, one of which might have it before who is meant to.
func free(n int) (addrs []string, err error) {
	for tries := 0; len(addrs) < n; tries++ {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 10_000+rand.IntN(20_000)))
		if err == nil {
			defer l.Close() // all at once: none twice
			addrs = append(addrs, l.Addr().String())
		} else if tries > 10*n {
			return nil, err
		}
	}
	return addrs, nil
}

// root is the folder of the module.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// build makes the commands in dir, and finds the pinned server of NATS.
func build(ctx context.Context, dir string) (nats string, err error) {
	make := exec.CommandContext(ctx, "go", "build", "-o", dir+"/", "./gateway", "./tcpserver")
	make.Dir = root()
	if out, err := make.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	find := exec.CommandContext(ctx, "go", "tool", "-modfile=internal/tools/go.mod", "-n", "nats-server")
	find.Dir = root()
	out, err := find.Output()
	if err != nil {
		return "", fmt.Errorf("%v: %w", find, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// haproxy is where Debian has it.
func haproxy() (string, error) {
	for _, name := range []string{"haproxy", "/usr/sbin/haproxy"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no haproxy on this machine; Debian's package is haproxy")
}
