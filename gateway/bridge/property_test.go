package bridge_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"porthole/wire/tap"
)

// breaks are what a server does behind some of its bytes, and whether all of them
// must have come then.
var breaks = []struct {
	name  string
	do    func(c *net.TCPConn)
	whole bool
}{
	{"reset", func(c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() }, false},
	{"closed", func(c *net.TCPConn) { _ = c.Close() }, false}, // with the page's bytes unread: a reset
	{"ended", func(c *net.TCPConn) { _ = c.CloseWrite() }, true},
}

// Bytes are cut in any way on both sides at once, and something breaks at any of
// them, at the server or on the way: what comes at either end is what the other
// sent first.
func TestFaultsAnywhere(t *testing.T) {
	sent, answer := noise(1<<20), noise(1<<20 + 99)[99:]
	for seed := range uint64(32) {
		r := rand.New(rand.NewPCG(seed, 0))
		kind := kinds[seed%2]
		fault := breaks[r.IntN(len(breaks))]
		offset := r.IntN(len(answer))
		observed, limited := r.IntN(2) == 0, r.IntN(3) == 0
		t.Run(fmt.Sprintf("%d: %s, %s at %d, observed %v, limited %v", seed, kind.name, fault.name, offset, observed, limited), func(t *testing.T) {
			leavesNothing(t)
			target, accept := accepting(t)
			on, sound := target, peer(t, echo)
			if limited { // half of what the server sends gets through
				on = parseTarget(t, toxic(t, target.String(), fmt.Sprintf(`{"type": "limit_data", "attributes": {"bytes": %d}}`, offset/2+1)))
			}
			b := to(on, sound)
			if observed {
				b.Log = &tap.Log{}
			}
			l := kind.dial(t, serve(t, b), on, sound)
			c := accept()
			up := cut(seed+1, sent, l.send)
			var came []byte
			read := background(func() { came, _ = io.ReadAll(c) })
			<-cut(seed+2, answer[:offset], func(p []byte) { _, _ = c.Write(p) })
			fault.do(c)
			if l, ok := l.(*v1Line); ok {
				l.await("the end of the server's side, or of all", func() bool { return len(l.told) > 1 })
				l.do(func() { l.Stream.End() })
			}
			in, told := l.end()
			<-up
			_ = c.Close()
			<-read
			wantPrefix(t, in, answer[:offset])
			wantPrefix(t, string(came), sent)
			if fault.whole && !limited && len(in) != offset {
				t.Errorf("%d bytes came, want all %d: the page is told %q", len(in), offset, told)
			}
			if strings.Contains(told, "ended") && !limited && len(in) != offset {
				t.Errorf("the page is told %q, and %d of %d bytes", told, len(in), offset)
			}
			l.leave()
			idles(t, b)
		})
	}
}

// cut hands on bytes in pieces of any size, and tells when all have gone.
func cut(seed uint64, b []byte, put func(p []byte)) <-chan struct{} {
	sizes := rand.New(rand.NewPCG(seed, 1))
	return background(func() {
		for len(b) > 0 {
			n := min(len(b), 1+sizes.IntN(1<<sizes.IntN(17)))
			put(b[:n])
			b = b[n:]
		}
	})
}
