package bridge

import (
	"bytes"
	"fmt"
	"net"
	"testing"

	"porthole/wire"
)

// again is a client that sends the same bytes without end.
type again struct {
	net.Conn
	bytes []byte
	at    int
}

func (c *again) Read(p []byte) (n int, err error) {
	for n < len(p) {
		m := copy(p[n:], c.bytes[c.at:])
		n += m
		c.at = (c.at + m) % len(c.bytes)
	}
	return n, nil
}

// BenchmarkFrames is a client's frames alone, without sockets: parsed, unmasked
// and joined.
func BenchmarkFrames(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 32 << 10} {
		for _, whole := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/whole=%v", size, whole), func(b *testing.B) {
				frame := make([]byte, maxHead, maxHead+size)
				frame = append(frame, bytes.Repeat([]byte("x"), size)...)
				at := putHead(frame, maxHead, opBinary)
				head := append(frame[at:maxHead:maxHead], 1, 2, 3, 4) // and a mask
				head[1] |= maskBit
				var ws webSocket
				ws.whole, ws.merge = whole, !whole
				ws.init(&again{bytes: append(head, frame[maxHead:]...)})
				ws.busy = true // it reads all there is
				b.SetBytes(int64(size))
				b.ReportAllocs()
				left := 0
				for b.Loop() {
					for left -= size; left < 0; {
						p, err := ws.reader.Next()
						if err != nil {
							b.Fatal(err)
						}
						left += len(p)
					}
				}
			})
		}
	}
}

// BenchmarkReceipts is what it costs to owe a page a wrote, and to put it in
// front of a message.
func BenchmarkReceipts(b *testing.B) {
	s := newSession(&Bridge{}, nil, newScript())
	defer s.stop()
	st := newStream(s, 1, wire.Dial{})
	msg := make([]byte, lead+64)
	b.ReportAllocs()
	for b.Loop() {
		s.receipts.owe(st, 64)
		if len(s.receipts.before(msg, putHead(msg, lead, opBinary), true)) <= 64+2 {
			b.Fatal("no receipt")
		}
	}
}
