package tap

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// Errno names a socket error as POSIX does, with Linux's number whatever the
// system, so that a page reads the same everywhere. A name that is not found is
// ENOTFOUND, as in Node; an error without a name is UNKNOWN.
func Errno(err error) (code string, number uint64) {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return named("ENOTFOUND")
		}
		return named("EAI_AGAIN")
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		if name := errnoName(errno); name != "" {
			return named(name)
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return named("ETIMEDOUT")
	}
	if errors.Is(err, context.Canceled) {
		return named("ECANCELED")
	}
	return named("UNKNOWN")
}

// Syscall names the system call that met err, or call if err does not tell.
func Syscall(err error, call string) string {
	if s, ok := errors.AsType[*os.SyscallError](err); ok {
		return s.Syscall
	}
	return call
}

func named(code string) (string, uint64) { return code, numbers[code] }

// numbers are Linux's errno(3); the last three are libuv's.
var numbers = map[string]uint64{
	"EPERM": 1, "ENOENT": 2, "EINTR": 4, "EIO": 5, "EBADF": 9, "EAGAIN": 11, "ENOMEM": 12, "EACCES": 13,
	"ENOTDIR": 20, "EINVAL": 22, "ENFILE": 23, "EMFILE": 24, "EPIPE": 32, "ENAMETOOLONG": 36,
	"ENOTSOCK": 88, "EPROTOTYPE": 91, "EAFNOSUPPORT": 97, "EADDRINUSE": 98, "EADDRNOTAVAIL": 99,
	"ENETDOWN": 100, "ENETUNREACH": 101, "ECONNABORTED": 103, "ECONNRESET": 104, "ENOBUFS": 105,
	"EISCONN": 106, "ENOTCONN": 107, "ETIMEDOUT": 110, "ECONNREFUSED": 111, "EHOSTDOWN": 112, "EHOSTUNREACH": 113,
	"ECANCELED": 125, "EAI_AGAIN": 3001, "ENOTFOUND": 3008, "UNKNOWN": 4094,
}
