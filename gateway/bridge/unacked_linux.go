package bridge

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// expect bounds for how long a peer may leave bytes unacknowledged, or have no
// room for any: TCP_USER_TIMEOUT (tcp(7), RFC 5482).
func expect(c net.Conn, limit time.Duration) {
	t, ok := c.(*net.TCPConn)
	if !ok || limit <= 0 {
		return
	}
	if raw, err := t.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { // it goes on without
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(limit.Milliseconds()))
		})
	}
}
