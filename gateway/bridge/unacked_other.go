//go:build !linux

package bridge

import (
	"net"
	"time"
)

// expect does nothing: there is no such option here.
func expect(net.Conn, time.Duration) {}
