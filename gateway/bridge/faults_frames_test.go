package bridge_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"porthole/wire"
)

// Pages that bring nothing are ended as idle ones are, however they go about it,
// and have no longer to answer than any.
func TestPagesThatBringNothing(t *testing.T) {
	const (
		idle     = time.Minute
		looks    = 2 * time.Second // until it is seen
		answered = 5 * time.Second
	)
	message := frame(true, opBinary, skipped+string(make([]byte, 1000)))
	part := frame(false, opBinary, skipped)
	for name, tt := range map[string]struct {
		first string
		then  func(second int) string // if nil, silence
	}{
		"half a header":      {message[:1], nil},
		"half a frame":       {message[:100], nil},
		"a byte a second":    {message[:1], func(i int) string { return message[(i+1)%len(message):][:1] }},
		"pings":              {"", func(int) string { return frame(true, opPing, "") }},
		"pings in a message": {part, func(int) string { return frame(true, opPing, "") }},
		"empty fragments":    {part, func(int) string { return frame(false, opContinuation, "") }},
		"fragments":          {part, func(int) string { return frame(false, opContinuation, "x") }},
		"messages":           {"", func(int) string { return frame(true, opBinary, skipped) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := to()
				b.Limits.Idle = idle
				c := pipes{make(chan net.Conn), make(chan struct{})}.serve(t, b)()
				f, _ := handshake(t, c, wire.Subprotocol)
				if _, _, err := f.next(); err != nil { // hello
					t.Fatal(err)
				}
				start := time.Now()
				f.send(tt.first)
				bringing := background(func() {
					tick := time.NewTicker(time.Second)
					defer tick.Stop()
					for i := 0; tt.then != nil; i++ {
						<-tick.C
						if _, err := io.WriteString(c, tt.then(i)); err != nil {
							return // it is cut
						}
					}
				})
				if got, want := f.goodbye(false, ignore), 1008; got != want {
					t.Errorf("close code %d, want %d", got, want)
				}
				if took := time.Since(start); took < idle || took > idle+looks+answered {
					t.Errorf("the connection ended after %v, want %v and little more", took, idle)
				}
				<-bringing
				synctest.Wait()
				if s := b.Stats(); s.Sessions != 0 || s.Refused["idle"] != 1 {
					t.Errorf("%d sessions, %d idle, want none, and one", s.Sessions, s.Refused["idle"])
				}
			})
		})
	}
}

// In raw mode, too, half a frame is nothing.
func TestHalfAFrame(t *testing.T) {
	for _, protocol := range anyKind {
		t.Run(fmt.Sprintf("%q", protocol), func(t *testing.T) {
			t.Parallel()
			b := to(peer(t, echo))
			b.Limits.Idle = time.Nanosecond // the next look is beyond it
			f := frames(t, serve(t, b), protocol)
			f.send(frame(true, opBinary, "hello")[:4])
			var h heard
			h.close(f)
			if got, want := h.code(), 1008; got != want {
				t.Errorf("close code %d, want %d", got, want)
			}
			finish.take(f, h.code())
			ends(f)
			idles(t, b)
		})
	}
}

// A crowd of pages that break off within a frame, claim what they do not send, or
// send what brings nothing, costs others nothing and the bridge no more than a
// buffer each.
func TestCrowdOfHostilePages(t *testing.T) {
	const pages, flood = 16, 5000
	for _, protocol := range anyKind {
		for name, send := range map[string]string{
			"half a frame":     frame(true, opBinary, string(noise(9000)))[:5000],
			"a claim of 1 GiB": long(opBinary, 8, 1<<30, "x"),
			"pings":            strings.Repeat(frame(true, opPing, "ping"), flood),
			"pongs":            strings.Repeat(frame(true, opPong, "pong"), flood),
			"empty fragments":  frame(false, opBinary, "") + strings.Repeat(frame(false, opContinuation, ""), flood),
		} {
			t.Run(fmt.Sprintf("%q/%s", protocol, name), func(t *testing.T) {
				leavesNothing(t)
				b := to(peer(t, echo))
				host := serve(t, b)
				other := openRaw(t, host, "")
				held := growth()
				var crowd []*framer
				for range pages {
					f := frames(t, host, protocol)
					crowd = append(crowd, f)
					f.send(send)
				}
				exchange(t, other.Conn)
				if grown := held(); grown > pages*256<<10 {
					t.Errorf("%d pages cost %d bytes", pages, grown)
				}
				for _, f := range crowd {
					_ = f.Close()
				}
				exchange(t, other.Conn)
				other.leave()
				idles(t, b)
			})
		}
	}
}
