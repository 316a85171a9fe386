package tap_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"porthole/wire/tap"
)

// refused is what dialling an address gives on which no one listens.
func refused(t *testing.T, network string) error {
	t.Helper()
	addr := "127.0.0.1:0"
	if network == "unix" {
		addr = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	_ = l.Close()
	c, err := net.Dial(network, l.Addr().String())
	if err == nil {
		_ = c.Close()
		t.Fatal("someone listens")
	}
	return err
}

func inUse(t *testing.T) error {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = net.Listen("tcp", l.Addr().String())
	return err
}

func TestErrno(t *testing.T) {
	_, absent := net.Dial("unix", filepath.Join(t.TempDir(), "absent"))
	tests := []struct {
		name    string
		err     error
		code    string
		number  uint64
		syscall string // as told, or "call"
	}{
		{"refused", refused(t, "tcp"), "ECONNREFUSED", 111, "connect"},
		{"refused path", refused(t, "unix"), "ECONNREFUSED", 111, "connect"},
		{"no such path", absent, "ENOENT", 2, "connect"},
		{"in use", inUse(t), "EADDRINUSE", 98, "bind"},
		{"reset", &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "ECONNRESET", 104, "read"},
		{"wrapped", fmt.Errorf("a: %w", syscall.EPIPE), "EPIPE", 32, "call"},
		{"not found", &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, "ENOTFOUND", 3008, "call"},
		{"resolver down", &net.DNSError{IsTemporary: true}, "EAI_AGAIN", 3001, "call"},
		{"resolver late", &net.DNSError{IsTimeout: true}, "EAI_AGAIN", 3001, "call"},
		{"deadline", os.ErrDeadlineExceeded, "ETIMEDOUT", 110, "call"},
		{"context late", context.DeadlineExceeded, "ETIMEDOUT", 110, "call"},
		{"cancelled", context.Canceled, "ECANCELED", 125, "call"},
		{"anything", errors.New("anything"), "UNKNOWN", 4094, "call"},
		{"no such errno", syscall.Errno(9999), "UNKNOWN", 4094, "call"},
	}
	for _, tt := range tests {
		code, number := tap.Errno(tt.err)
		if code != tt.code || number != tt.number {
			t.Errorf("%s: %s %d, want %s %d", tt.name, code, number, tt.code, tt.number)
		}
		if got := tap.Syscall(tt.err, "call"); got != tt.syscall {
			t.Errorf("%s: in %s, want %s", tt.name, got, tt.syscall)
		}
	}
}
