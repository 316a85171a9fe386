package bridge_test

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// checked is a testing.TB that fails, and ends with, one run of a property.
type checked struct {
	testing.TB
	run *rapid.T
}

func (c checked) Helper()                           { c.run.Helper() }
func (c checked) Logf(format string, args ...any)   { c.run.Logf(format, args...) }
func (c checked) Errorf(format string, args ...any) { c.run.Errorf(format, args...) }
func (c checked) Error(args ...any)                 { c.run.Error(args...) }
func (c checked) Fatalf(format string, args ...any) { c.run.Fatalf(format, args...) }
func (c checked) Fatal(args ...any)                 { c.run.Fatal(args...) }

// Cleanup fails the run for what f finds too: by then rapid does not look.
func (c checked) Cleanup(f func()) {
	c.run.Cleanup(func() {
		failed := c.run.Failed()
		f()
		if !failed && c.run.Failed() {
			c.run.FailNow()
		}
	})
}

// size is from 1 to most, of any magnitude.
func size(r *rapid.T, most int) int {
	n := 1 << rapid.IntRange(0, 20).Draw(r, "magnitude")
	return min(n+rapid.IntRange(0, n-1).Draw(r, "more"), most)
}

// maxTape is how many bytes one end of a stream sends at most.
const maxTape = 3 << 19

var tapes = sync.OnceValue(func() []byte { return noise(2 * maxTape) })

// tape is what one end of a stream sends: at no place has another tape, or the
// same, the like.
func tape(number int) []byte { return tapes()[1021*number:][:maxTape] }

// far is a server's end of a connection. It reads, unless it is paused, and writes
// its tape as far as it is asked to. Its monitor, which guards it, is shared.
type far struct {
	*monitor
	c     *net.TCPConn
	in    []byte // read
	end   error  // of reading: io.EOF for FIN; nil while there is none
	out   []byte // the tape
	asked int    // bytes of it to write
	given int    // … that the kernel took

	paused bool
	fin    bool // behind what is asked it ends
	finned bool // … and has
	closed bool // with whatever is unread
	reset  bool
	quit   bool // no one waits any more
}

// serve reads and writes until both ways have ended.
func (f *far) serve() {
	var writing sync.WaitGroup
	writing.Go(f.write)
	f.read()
	writing.Wait()
}

func (f *far) read() {
	buf := make([]byte, 16<<10)
	for {
		f.mu.Lock()
		for f.paused && !f.broken() && !f.quit {
			f.changed.Wait()
		}
		f.mu.Unlock()
		n, err := f.c.Read(buf)
		f.mu.Lock()
		f.in = append(f.in, buf[:n]...)
		f.end = err
		f.changed.Broadcast()
		f.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (f *far) write() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		over := func() bool { return f.broken() || f.quit || f.end != nil && f.end != io.EOF }
		for f.asked == f.given && !f.fin && !over() {
			f.changed.Wait()
		}
		switch {
		case over():
			return
		case f.asked == f.given:
			f.finned = true
			_ = f.c.CloseWrite() // how it ends shows at the other end
			return
		}
		p := f.out[f.given:f.asked]
		f.mu.Unlock()
		n, err := f.c.Write(p)
		f.mu.Lock()
		f.given += n
		f.changed.Broadcast()
		if err != nil {
			return
		}
	}
}

// destroy closes the connection, with RST or as a process does that ends: with
// FIN, if there is nothing unread. The monitor is held.
func (f *far) destroy(reset bool) {
	f.closed, f.reset = !reset, reset
	if reset {
		_ = f.c.SetLinger(0)
	}
	_ = f.c.Close()
}

// broken tells whether the server has no end of the connection any more.
func (f *far) broken() bool { return f.closed || f.reset }

func (f *far) String() string {
	if f == nil {
		return "no connection"
	}
	return fmt.Sprintf("read %d bytes to %v, wrote %d of %d, paused %v, fin %v, closed %v, reset %v",
		len(f.in), f.end, f.given, f.asked, f.paused, f.fin, f.closed, f.reset)
}
