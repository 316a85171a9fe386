package netconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"

	"porthole/wire"
)

// ErrGone reports a WebSocket that has ended, and with it what it carried. What ended
// it is told by a [*Gone], unless the Dialer was closed: that is net.ErrClosed, too.
var ErrGone = errors.New("netconn: the WebSocket to the gateway has ended")

// errClosed is what a Dialer's Close leaves behind.
var errClosed = fmt.Errorf("%w: %w", ErrGone, net.ErrClosed)

// errBarred reports a gateway that lets a program in no more, which trying again
// does not change.
var errBarred = errors.New("netconn: the gateway does not let us in")

// Gone is how a WebSocket has ended. It is an ErrGone.
type Gone struct {
	Code   int    // of its close: 1001 if the gateway left, 1006 if the connection was lost
	Reason string // in the gateway's words, or the system's

	unmet bool // the gateway never said hello
}

func (g *Gone) Error() string {
	what := "it was closed"
	switch {
	case g.Code == 1001:
		what = "the gateway left"
	case g.Code == 1006 && g.unmet:
		what = "no gateway answers"
	case g.Code == 1006:
		what = "the connection to the gateway was lost"
	}
	why := strconv.Itoa(g.Code)
	if g.Reason != "" {
		why += ": " + g.Reason
	}
	return fmt.Sprintf("%v: %s (%s)", ErrGone, what, why)
}

// Is makes it an ErrGone.
func (g *Gone) Is(err error) bool { return err == ErrGone }

// errnos are the POSIX names that a gateway may tell, as this system has them.
var errnos = map[string]syscall.Errno{
	"EACCES": syscall.EACCES, "EADDRINUSE": syscall.EADDRINUSE, "EADDRNOTAVAIL": syscall.EADDRNOTAVAIL,
	"EAGAIN": syscall.EAGAIN, "ECONNABORTED": syscall.ECONNABORTED, "ECONNREFUSED": syscall.ECONNREFUSED,
	"ECONNRESET": syscall.ECONNRESET, "EHOSTUNREACH": syscall.EHOSTUNREACH, "EINVAL": syscall.EINVAL,
	"EMFILE": syscall.EMFILE, "ENETUNREACH": syscall.ENETUNREACH, "ENOENT": syscall.ENOENT,
	"ENOMEM": syscall.ENOMEM, "ENOTCONN": syscall.ENOTCONN, "EPERM": syscall.EPERM, "EPIPE": syscall.EPIPE,
	"ETIMEDOUT": syscall.ETIMEDOUT,
}

// cause is what the gateway tells of a failure, as package net would have it.
func cause(f *wire.Failure, host string) error {
	if f.Phase == wire.PhaseResolve {
		return &net.DNSError{
			Err: f.Code, Name: host,
			IsNotFound: f.Code == "ENOTFOUND", IsTimeout: f.Code == "ETIMEDOUT", IsTemporary: f.Code == "EAI_AGAIN",
		}
	}
	if errno, ok := errnos[f.Code]; ok {
		return os.NewSyscallError(f.Syscall, errno)
	}
	return errors.New(f.Syscall + ": " + f.Code)
}

// stopped is a context's end, as package net has it.
func stopped(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return timeout{}
	}
	return canceled{}
}

// timeout is a context whose time is over.
type timeout struct{}

func (timeout) Error() string     { return "i/o timeout" }
func (timeout) Timeout() bool     { return true }
func (timeout) Temporary() bool   { return true }
func (timeout) Is(err error) bool { return err == context.DeadlineExceeded }

// canceled is a context that was ended.
type canceled struct{}

func (canceled) Error() string     { return "operation was canceled" }
func (canceled) Is(err error) bool { return err == context.Canceled }
