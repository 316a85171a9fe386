package bridge_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/wire/tap"
)

const wispConfirmation = "\x05\x00\x00\x00\x00" // an extension

// What is said before there is a stream, byte by byte.
func TestWispBegins(t *testing.T) {
	const credit = "\x03\x00\x00\x00\x00\x00\x01\x00\x00" // 256 packets
	host := serveWisp(t, to(peer(t, greet)))
	says := func(ws *websocket.Conn, want string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if _, got, err := ws.Read(ctx); string(got) != want || err != nil {
			t.Errorf("the server says %q, %v, want %q", got, err, want)
		}
	}
	says(dialWS(t, "ws://"+host), credit)
	ws := dialWS(t, "ws://"+host, "wisp-v2")
	if got, want := ws.Subprotocol(), "wisp-v2"; got != want {
		t.Errorf("subprotocol %q, want %q", got, want)
	}
	says(ws, "\x05\x00\x00\x00\x00\x02\x00"+wispConfirmation)
	if err := ws.Write(t.Context(), websocket.MessageBinary, []byte("\x05\x00\x00\x00\x00\x02\x00")); err != nil {
		t.Fatal(err)
	}
	says(ws, credit)
}

// Who offers something else does not mean Wisp.
func TestWispSubprotocols(t *testing.T) {
	host := serveWisp(t, to())
	for offer, want := range map[string]int{
		"": http.StatusSwitchingProtocols, "wisp-v2": http.StatusSwitchingProtocols, "wisp-v3, wisp-v2": http.StatusSwitchingProtocols,
		"3f0c2a52-7a3b-4e0e-9c35-9f2b8f0b6a11": http.StatusSwitchingProtocols, // as epoxy does
		"binary":                               http.StatusBadRequest, "wisp-v22": http.StatusBadRequest, "porthole.v1": http.StatusBadRequest,
	} {
		c, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		deadline(t, c)
		if _, got := handshake(t, c, offer); got != want {
			t.Errorf("%q: status %d, want %d", offer, got, want)
		}
		_ = c.Close()
	}
}

// A greeting in either version, watched or not. A client of v2 is told that its
// stream is open only if it knows that one may be.
func TestWispGreeting(t *testing.T) {
	for name, extensions := range map[string][]string{"v1": nil, "v2": {""}, "v2, confirmed": {wispConfirmation}} {
		for _, observed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/observed %v", name, observed), func(t *testing.T) {
				target := peer(t, greet)
				b := to(target)
				b.Open = true
				if observed {
					b.Log = &tap.Log{}
				}
				c := openWisp(t, serveWisp(t, b), extensions...)
				s := c.to(target)
				s.send("哇咔咔") // before there is a socket
				const want = "你好哇咔咔"
				if got := s.receive(len(want)); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
				if want := name == "v2, confirmed"; c.is(func() bool { return s.opened }) != want {
					t.Errorf("it is told that the stream is open: %v, want %v", !want, want)
				}
				if observed && len(history(b.Log)) == 0 {
					t.Error("the log has no events")
				}
				s.close(2)
				c.send(wispData, s.id, "too late")     // is no fault
				c.send(wispClose, s.id, "\x02")        // nor this
				c.send(77, s.id, "of a later version") // nor that
				c.connectAs(s.id, 1, target.Host, target.Port).send("!")
				c.streams[s.id].receive(7)
			})
		}
	}
}

// Bytes both ways at once, in packets of any size, on many streams.
func TestWispBulk(t *testing.T) {
	data := string(noise(2 << 20))
	for name, extensions := range map[string][]string{"v1": nil, "v2": {wispConfirmation}} {
		for _, size := range []int{1000, 65_531, 65_536, 2 << 20} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				target := peer(t, echo)
				c := openWisp(t, serveWisp(t, to(target)), extensions...)
				var sent []<-chan struct{}
				var streams []*wispEnd
				for range 2 {
					s := c.to(target)
					streams = append(streams, s)
					sent = append(sent, background(func() {
						for rest := data; rest != ""; {
							n := min(len(rest), size)
							s.send(rest[:n])
							rest = rest[n:]
						}
					}))
				}
				for i, s := range streams {
					if got := s.receive(len(data)); sha256.Sum256([]byte(got)) != sha256.Sum256([]byte(data)) {
						t.Errorf("what came back is not what was sent: %d bytes", len(got))
					}
					<-sent[i]
				}
			})
		}
	}
}

// A packet may come in fragments, whose borders mean nothing, not even in its head.
func TestWispFragments(t *testing.T) {
	target, accept := accepting(t)
	f := frames(t, serveWisp(t, to(target)), "")
	f.await(opBinary) // CONTINUE
	connect := wispPacket(wispConnect, 7, wispWhere(1, target.Host, target.Port))
	hi := wispPacket(wispData, 7, "哇咔咔")
	f.send(fragments(opBinary, connect[:2], connect[2:6], connect[6:]), fragments(opBinary, strings.Split(hi, "")...))
	f.send(fragments(opBinary, hi[:7], "", hi[7:], ""))
	const want = "哇咔咔哇咔咔"
	if got := read(t, accept(), len(want)); got != want {
		t.Errorf("the peer read %q, want %q", got, want)
	}
}

// What is no Wisp ends the session, with what is wrong.
func TestWispViolations(t *testing.T) {
	for name, tt := range map[string]struct {
		protocol string
		frame    string
		code     int
		reason   string
	}{
		"a short packet":   {"", frame(true, opBinary, "\x01\x00\x00\x00"), 1002, "Wisp: a packet has a head of five bytes"},
		"an empty one":     {"", frame(true, opBinary, ""), 1002, "Wisp: a packet has a head of five bytes"},
		"text":             {"", frame(true, opText, wispPacket(wispData, 1, "x")), 1003, "Wisp has only binary messages"},
		"stream 0":         {"", frame(true, opBinary, wispPacket(wispConnect, 0, wispWhere(1, "a", 1))), 1002, "Wisp: CONNECT for a stream that is open, or for 0"},
		"a large CONNECT":  {"", frame(true, opBinary, wispPacket(wispConnect, 1, wispWhere(1, strings.Repeat("x", 5000), 1))), 1009, "Wisp: a packet but of data is at most 4096 bytes"},
		"… in fragments":   {"", fragments(opBinary, wispPacket(wispConnect, 1, "\x01\x01\x00"), strings.Repeat("x", 5000)), 1009, "Wisp: a packet but of data is at most 4096 bytes"},
		"no INFO first":    {"wisp-v2", frame(true, opBinary, wispPacket(wispConnect, 1, wispWhere(1, "a", 1))), 1002, "Wisp: a client of v2 begins with INFO"},
		"INFO of nothing":  {"wisp-v2", frame(true, opBinary, wispPacket(wispInfo, 0, "")), 1008, "this is no INFO of Wisp v2"},
		"INFO of v3":       {"wisp-v2", frame(true, opBinary, wispPacket(wispInfo, 0, "\x03\x00")), 1008, "this is no INFO of Wisp v2"},
		"INFO that is cut": {"wisp-v2", frame(true, opBinary, wispPacket(wispInfo, 0, "\x02\x00\x05\x01\x00\x00\x00")), 1008, "this is no INFO of Wisp v2"},
	} {
		t.Run(name, func(t *testing.T) {
			f := frames(t, serveWisp(t, to()), tt.protocol)
			f.await(opBinary)
			f.send(tt.frame)
			var h heard
			h.close(f)
			if got, want := h.code(), tt.code; got != want || string(h.bye[2:]) != tt.reason {
				t.Errorf("close code %d %q, want %d %q", got, h.bye[2:], want, tt.reason)
			}
		})
	}
	target := peer(t, echo)
	c := openWisp(t, serveWisp(t, to(target)))
	c.to(target)
	c.send(wispConnect, 1, wispWhere(1, target.Host, target.Port))
	if code, reason := c.status(); code != 1002 {
		t.Errorf("a stream that begins twice: close code %d %q, want 1002", code, reason)
	}
}

// A client of v2 that does not say so is not waited for.
func TestWispWithoutInfo(t *testing.T) {
	b := to()
	b.Limits.Dial = time.Millisecond
	f := frames(t, serveWisp(t, b), "wisp-v2")
	f.await(opBinary)
	if got, want := f.await(opBinary), wispPacket(wispClose, 0, "\x81"); got != want {
		t.Errorf("the server says %q, want %q", got, want)
	}
	var h heard
	h.close(f)
	if got, want := h.code(), 1008; got != want {
		t.Errorf("close code %d, want %d", got, want)
	}
}
