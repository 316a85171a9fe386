package bridge

import "net"

// bound bounds what the kernel holds of a TCP connection, each way; below TLS
// too. Left alone it holds as much as it has seen the other end take in its best
// time, for who takes nothing now.
func bound(c net.Conn, l *Limits) {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = t.NetConn()
	}
	if c, ok := c.(*net.TCPConn); ok && l.Buffer > 0 {
		_ = c.SetReadBuffer(l.Buffer) // it goes on without
		_ = c.SetWriteBuffer(l.Buffer)
	}
}
