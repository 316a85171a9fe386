package tap_test

import (
	"io"
	"net"
	"testing"

	"porthole/wire"
	"porthole/wire/tap"
)

// BenchmarkWrite compares a socket's own Write with a tapped one's that no one
// listens to.
func BenchmarkWrite(b *testing.B) {
	message := []byte("哇咔咔")
	run := func(b *testing.B, wrap func(net.Conn) net.Conn) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		peer, err := l.Accept()
		if err != nil {
			b.Fatal(err)
		}
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			_, _ = io.Copy(io.Discard, peer) // until c is closed
		}()
		c = wrap(c)
		b.SetBytes(int64(len(message)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Write(message); err != nil {
				b.Fatal(err)
			}
		}
		_ = c.Close()
		<-drained
		_ = peer.Close()
		_ = l.Close()
	}
	b.Run("direct", func(b *testing.B) {
		run(b, func(c net.Conn) net.Conn { return c })
	})
	b.Run("tapped", func(b *testing.B) {
		run(b, func(c net.Conn) net.Conn { return tap.Client(c, 1, tap.Now(), func(wire.Event) {}) })
	})
	b.Run("logged", func(b *testing.B) {
		var log tap.Log
		run(b, func(c net.Conn) net.Conn { return tap.Client(c, 1, tap.Now(), log.Add) })
	})
}
