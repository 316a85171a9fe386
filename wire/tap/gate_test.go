package tap_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"porthole/wire"
	"porthole/wire/tap"
)

// entering is a TCP connection that tells when a Read begins.
type entering struct {
	*net.TCPConn
	reads chan struct{}
}

func (c *entering) Read(p []byte) (int, error) {
	select {
	case c.reads <- struct{}{}:
	default:
	}
	return c.TCPConn.Read(p)
}

// listening is a connection whose tapped end tells of its Reads.
func listening(t *testing.T) (peer net.Conn, c *tap.Conn, log *tap.Log, reads <-chan struct{}) {
	t.Helper()
	p := connect(t, "tcp")
	inner := &entering{p.server.(*tap.Conn).Conn.(*net.TCPConn), make(chan struct{}, 1)}
	log = new(tap.Log)
	c = tap.Client(inner, 1, tap.Now(), log.Add)
	t.Cleanup(func() { _ = c.Close() })
	return p.client, c, log, inner.reads
}

// got is what one Read gave.
type got struct {
	text string
	err  error
}

// reading reads on a goroutine of its own.
func reading(c net.Conn) <-chan got {
	done := make(chan got, 1)
	go func() {
		buf := make([]byte, 1<<10)
		n, err := c.Read(buf)
		done <- got{string(buf[:n]), err}
	}()
	return done
}

func (g got) want(t *testing.T, text string, err error) {
	t.Helper()
	if g.text != text || !errors.Is(g.err, err) {
		t.Errorf("read %q, %v; want %q, %v", g.text, g.err, text, err)
	}
}

// receives waits until the kernel has n bytes that are not read, where it tells.
func receives(t *testing.T, c *tap.Conn, n uint64) {
	t.Helper()
	for late := time.Now().Add(patience); tap.KernelTells && c.Kernel().Unread != n; {
		if time.Now().After(late) {
			t.Fatalf("%d bytes unread, want %d", c.Kernel().Unread, n)
		}
	}
}

// A Read that waits is called back, and what comes while the connection is
// paused comes in one.
func TestPauseWhileAReadWaits(t *testing.T) {
	peer, c, log, reads := listening(t)
	read := reading(c)
	<-reads
	c.Pause()
	c.Pause() // it is
	for range 5 {
		write(t, peer, "哇咔咔")
	}
	receives(t, c, 45)
	select {
	case r := <-read:
		t.Fatalf("a paused connection read %q, %v", r.text, r.err)
	default:
	}
	c.Resume()
	c.Resume() // it is not paused
	(<-read).want(t, strings.Repeat("哇咔咔", 5), nil)
	expect(t, "paused", log, "#1 connect", "#1 pause()", "#1 resume()", "#1 data [0,45) "+strings.Repeat("哇咔咔", 5))
	if k := all(log)[2].Kernel; tap.KernelTells && k.Unread != 45 {
		t.Errorf("resume() tells of %d bytes unread, want 45", k.Unread)
	}
}

func TestPauseHoldsBackTheEnd(t *testing.T) {
	p := connect(t, "tcp")
	c := p.server.(*tap.Conn)
	c.Pause()
	closeWrite(t, p.client)
	read := reading(c)
	const closeWait = 8
	for late := time.Now().Add(patience); tap.KernelTells && c.Kernel().State != closeWait; {
		if time.Now().After(late) {
			t.Fatal("the FIN does not come")
		}
	}
	expect(t, "paused", p.serverLog, "listening", "#1 connection", "#1 pause()")
	c.Resume()
	(<-read).want(t, "", io.EOF)
	expect(t, "resumed", p.serverLog, "listening", "#1 connection", "#1 pause()", "#1 resume()", "#1 end")
}

// Close ends a Read that waits at the gate, and nothing is reported behind it.
func TestCloseWhilePaused(t *testing.T) {
	for _, end := range []func(*tap.Conn) error{(*tap.Conn).Close, (*tap.Conn).Reset} {
		_, c, log, reads := listening(t)
		read := reading(c)
		<-reads
		c.Pause()
		if err := end(c); err != nil {
			t.Fatal(err)
		}
		(<-read).want(t, "", net.ErrClosed)
		last := log.Last()
		c.Resume()
		c.Pause()
		c.Limit(1)
		c.Drained()
		(<-reading(c)).want(t, "", net.ErrClosed)
		if got := log.Last(); got != last {
			t.Errorf("behind close comes %v", brief(all(log))[last:])
		}
		if err := c.SetReadDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("SetReadDeadline: %v, want %v", err, net.ErrClosed)
		}
	}
}

// The program's deadline is kept to while paused, to the moment, and whoever
// pauses does not make a Read late.
func TestPauseAndDeadline(t *testing.T) {
	in := func(d time.Duration) time.Time { return time.Now().Add(d) }
	none := time.Time{}
	tests := []struct {
		name  string
		steer func(c *tap.Conn) // while a Read waits that has a minute
		late  time.Duration     // when the Read is late; 0: it gets what comes after an hour
	}{
		{"paused", func(c *tap.Conn) { c.Pause() }, time.Minute},
		{"paused and resumed", func(c *tap.Conn) { c.Pause(); <-time.After(time.Second); c.Resume() }, time.Minute},
		{"resumed when it is late", func(c *tap.Conn) { c.Pause(); <-time.After(time.Hour); c.Resume() }, time.Minute},
		{"limited", func(c *tap.Conn) { c.Limit(4) }, time.Minute},
		{"sooner while paused", func(c *tap.Conn) { c.Pause(); _ = c.SetReadDeadline(in(time.Second)) }, time.Second},
		{"later while paused", func(c *tap.Conn) { c.Pause(); _ = c.SetDeadline(in(time.Hour)) }, time.Hour},
		{"past while paused", func(c *tap.Conn) { c.Pause(); <-time.After(time.Second); _ = c.SetDeadline(time.Unix(1, 0)) }, time.Second},
		{"none while paused", func(c *tap.Conn) { c.Pause(); _ = c.SetReadDeadline(none); c.Resume() }, 0},
		{"none", func(c *tap.Conn) { _ = c.SetDeadline(none); c.Pause(); c.Limit(9); c.Resume() }, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := net.Pipe()
				defer b.Close()
				var log tap.Log
				c := tap.Client(a, 1, tap.Now(), log.Add)
				defer c.Close()
				_ = c.SetReadDeadline(in(time.Minute))
				read := reading(c)
				synctest.Wait()
				tt.steer(c)
				if tt.late == 0 {
					<-time.After(time.Hour)
					_, _ = io.WriteString(b, "x")
					(<-read).want(t, "x", nil)
					return
				}
				r := <-read
				r.want(t, "", os.ErrDeadlineExceeded)
				if e, ok := errors.AsType[net.Error](r.err); !ok || !e.Timeout() {
					t.Errorf("%v is no timeout", r.err)
				}
				timeout := until(t, &log, wire.Timeout)
				if got := time.Duration(timeout.Return - timeout.Start); got != tt.late {
					t.Errorf("late after %v, want %v", got, tt.late)
				}
			})
		})
	}
}

// A limit holds for the Read that waits already, and shows how a character is
// cut in two.
func TestLimit(t *testing.T) {
	peer, c, log, reads := listening(t)
	read := reading(c)
	<-reads
	c.Limit(4)
	write(t, peer, "你好")
	(<-read).want(t, "你好"[:4], nil)
	(<-reading(c)).want(t, "你好"[4:], nil)
	c.Limit(0)
	write(t, peer, "你好")
	(<-reading(c)).want(t, "你好", nil)
	c.Pause()
	c.Limit(1)
	read = reading(c)
	c.Limit(-1) // none again, and still paused
	write(t, peer, "你好")
	receives(t, c, 6)
	c.Resume()
	(<-read).want(t, "你好", nil)
	expect(t, "limited", log, "#1 connect", `#1 data [0,4) 你\xe5`, `#1 data [4,6) \xa5\xbd`, "#1 data [6,12) 你好",
		"#1 pause()", "#1 resume()", "#1 data [12,18) 你好")
}

// Whatever steers a connection, and from how many places, every byte comes and
// none between pause() and resume().
func TestSteeredFromAllSides(t *testing.T) {
	const size, steering = 1 << 20, 4
	p := connect(t, "tcp")
	log := &tap.Log{History: 1 << 18}
	c := tap.Client(p.server.(*tap.Conn).Conn, 1, tap.Now(), log.Add)
	sent := make([]byte, size)
	for i := range sent {
		sent[i] = byte(rand.Uint32())
	}
	over := make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() {
		_, _ = p.client.Write(sent)
		_ = p.client.(*tap.Conn).CloseWrite()
	})
	for i := range steering {
		busy.Go(func() {
			defer c.Resume()
			for n := i; ; n++ {
				select {
				case <-over:
					return
				default:
				}
				switch n % 4 {
				case 0:
					c.Pause()
				case 1:
					c.Limit(1 << (n % 16))
				case 2:
					c.Resume()
				case 3:
					_ = c.SetReadDeadline(time.Now().Add(time.Hour))
				}
			}
		})
	}
	rest, err := io.ReadAll(c)
	close(over)
	busy.Wait()
	if !slices.Equal(rest, sent) || err != nil {
		t.Errorf("%d bytes came, %v; want the %d that were sent", len(rest), err, size)
	}
	paused, last := false, int64(0)
	for _, e := range all(log) {
		switch e.Kind {
		case wire.CallPause, wire.CallResume:
			if paused == (e.Kind == wire.CallPause) {
				t.Fatalf("event %d: %v twice", e.Seq, e.Kind)
			}
			paused = !paused
		case wire.Data, wire.End:
			if paused {
				t.Fatalf("event %d: %v while paused", e.Seq, e.Kind)
			}
		default:
			continue
		}
		if e.At() < last {
			t.Fatalf("event %d: %v is at %d, behind one at %d", e.Seq, e.Kind, e.At(), last)
		}
		last = e.At()
	}
	_ = c.Close()
}

func TestDrained(t *testing.T) {
	p := connect(t, "tcp")
	write(t, p.client, "x")
	p.client.(*tap.Conn).Drained()
	_ = p.client.Close()
	p.client.(*tap.Conn).Drained() // nothing is behind close
	expect(t, "client", p.clientLog, "#1 connect", "#1 write() [0,1) x", "#1 drain", "#1 destroy()", "#1 close")
}
