package bridge

import (
	"context"
	"syscall"

	"golang.org/x/sys/unix"
)

// bindUnix gives our end of a Unix socket a name of the kernel's choice
// (autobind, unix(7)), so that the two ends of a connection can be told by
// their addresses as those of TCP can.
func bindUnix(_ context.Context, _, _ string, c syscall.RawConn) error {
	var err error
	if cerr := c.Control(func(fd uintptr) { err = unix.Bind(int(fd), &unix.SockaddrUnix{}) }); cerr != nil {
		return cerr
	}
	return err
}

// reuse lets a port be chosen that a connection which has ended still holds, or one
// to elsewhere has: SO_REUSEADDR (socket(7)), as Node's sockets have it.
func reuse(c syscall.RawConn) error {
	var err error
	if cerr := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) }); cerr != nil {
		return cerr
	}
	return err
}
