package bridge_test

import (
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"porthole/wire"
)

// A message on its way makes no garbage, in either mode.
func TestMessagesMakeNoGarbage(t *testing.T) {
	if race {
		t.Skip("under the race detector a sync.Pool throws away what it is given")
	}
	const messages, size = 2000, 64
	for _, protocol := range []string{"", wire.Subprotocol} {
		t.Run(protocol, func(t *testing.T) {
			f := frames(t, serve(t, to(peer(t, echo))), protocol)
			out := []byte(frame(true, opBinary, string(make([]byte, size))))
			head := 2 // of the frame that comes back
			if protocol == wire.Subprotocol {
				f.send(frame(true, opBinary, message(wire.OpDial, 1, &wire.Dial{Window: wire.MaxWindow})))
				for range 2 { // hello, connected
					if _, _, err := f.next(); err != nil {
						t.Fatal(err)
					}
				}
				out = []byte(frame(true, opBinary, data(1, size)))
				head += 2
			}
			in := make([]byte, 2+len(out))
			round := func() { // a message there and back, and what else comes before it
				if _, err := f.Write(out); err != nil {
					t.Fatal(err)
				}
				for n := 0; n != head+size; {
					if _, err := io.ReadFull(f.r, in[:2]); err != nil {
						t.Fatal(err)
					}
					n = 2 + int(in[1])
					if _, err := io.ReadFull(f.r, in[2:n]); err != nil {
						t.Fatal(err)
					}
				}
			}
			for range 100 {
				round()
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range messages {
				round()
			}
			runtime.ReadMemStats(&after)
			// A timer and what the runtime does by itself may be in between.
			if got := after.Mallocs - before.Mallocs; got > messages/10 {
				t.Errorf("%d allocations for %d messages", got, messages)
			}
		})
	}
}

// Whoever does not read holds up the other, and what the bridge holds meanwhile
// is next to nothing: there is no queue. Then every byte arrives.
func TestRawStalls(t *testing.T) {
	const piece = 1 << 20
	t.Run("the server", func(t *testing.T) {
		target, accept := accepting(t)
		f := frames(t, serve(t, to(target)), "")
		c := accept()
		held := growth()
		sum, total := sha256.New(), 0
		for stuck := false; !stuck; {
			payload := string(noise(piece))
			n := fill(t, f.Conn, frame(true, opBinary, payload))
			stuck = n < len(frame(true, opBinary, payload))
			if n > 14 { // behind the longest head
				sum.Write([]byte(payload)[:n-14])
				total += n - 14
			}
		}
		if grown := held(); grown > 1<<20 {
			t.Errorf("the process grows by %d bytes", grown)
		}
		got := sha256.New()
		if _, err := io.CopyN(got, c, int64(total)); err != nil {
			t.Fatal(err)
		}
		if string(got.Sum(nil)) != string(sum.Sum(nil)) {
			t.Error("other bytes arrive than were sent")
		}
	})
	t.Run("the page", func(t *testing.T) {
		target, accept := accepting(t)
		f := frames(t, serve(t, to(target)), "")
		c := accept()
		held := growth()
		sum, total := sha256.New(), 0
		for stuck := false; !stuck; {
			payload := noise(piece)
			n := fill(t, c, string(payload))
			stuck = n < len(payload)
			sum.Write(payload[:n])
			total += n
		}
		if grown := held(); grown > 1<<20 {
			t.Errorf("the process grows by %d bytes", grown)
		}
		got := sha256.New()
		for n := 0; n < total; {
			_, payload, err := f.next()
			if err != nil {
				t.Fatal(err)
			}
			n += len(payload)
			got.Write(payload)
		}
		if string(got.Sum(nil)) != string(sum.Sum(nil)) {
			t.Error("other bytes arrive than were sent")
		}
	})
}

// growth notes how much the process holds in use; what it returns tells by how
// much that has grown.
func growth() func() int {
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	return func() int {
		var now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&now)
		return int(now.HeapInuse+now.StackInuse) - int(before.HeapInuse+before.StackInuse)
	}
}

// fill writes s as far as it gets before nothing moves, and tells how far.
func fill(t *testing.T, c net.Conn, s string) (n int) {
	t.Helper()
	for n < len(s) {
		if err := c.SetWriteDeadline(time.Now().Add(patience / 100)); err != nil {
			t.Fatal(err)
		}
		m, err := io.WriteString(c, s[n:])
		n += m
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if m == 0 {
				return n
			}
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return n
}
