package bridge_test

import (
	"fmt"
	"strings"
	"testing"

	"porthole/gateway/bridge"
	"porthole/wire"
)

// Lengths at the borders of the three forms that a length has (§5.2), in one
// frame and in fragments, however the bytes come in.
func TestRFC6455Lengths(t *testing.T) {
	target, record := recorder(t, true)
	host := serve(t, to(target))
	for _, size := range []int{0, 1, 125, 126, 127, 65535, 65536, 65537, 1 << 20} {
		payload := string(noise(size))
		sends := map[string]string{
			"one frame":            masked(0xdeadbeef, frame(true, opBinary, payload)),
			"two fragments":        fragments(opBinary, payload[:size/2], payload[size/2:]),
			"fragments of a third": fragments(opBinary, "", payload[:size/3], payload[size/3:size/3*2], "", payload[size/3*2:], ""),
			"an empty last":        fragments(opBinary, payload, ""),
		}
		cuts := []chunks{whole, random(1<<10, uint64(size)), random(1<<17, uint64(size))}
		if size <= 127 {
			cuts = append(cuts, byteByByte, random(8, uint64(size)))
		}
		for name, send := range sends {
			for i, cut := range cuts {
				t.Run(fmt.Sprintf("%d/%s/%s %d", size, name, cut.name, i), func(t *testing.T) {
					f := frames(t, host, "")
					wait := pour(t, f, send+frame(true, opPing, "?"), cut)
					var h heard
					h.hear(f, func() bool { return h.data.Len() >= size && len(h.pongs) > 0 })
					wait()
					f.send(closeFrame(1000, ""))
					h.close(f)
					ends(f)
					if h.data.String() != payload || record() != payload {
						t.Error("what came is not what was sent")
					}
					if got, want := h.code(), 1000; got != want {
						t.Errorf("close code %d, want %d", got, want)
					}
				})
			}
		}
	}
}

// porthole.v1 has its own rules on top: what a WebSocket may carry, it may not.
func TestRFC6455Porthole(t *testing.T) {
	message := func(n int) string { return skipped + string(make([]byte, n-len(skipped))) }
	most := message(wire.MaxMessage)
	claim := long(opBinary, 8, 1<<30, "")
	for _, tt := range []struct {
		name string
		send string
		code int
		part part
	}{
		{"the most", masked(1, frame(true, opBinary, most)) + closeFrame(1000, ""), 1000, none},
		{"the most in fragments", fragments(opBinary, most[:1], "", most[1:9], most[9:], "") + closeFrame(1000, ""), 1000, none},
		{"the most again and again", strings.Repeat(frame(true, opBinary, most), 9) + closeFrame(1000, ""), 1000, none},
		{"a byte too many", frame(true, opBinary, most+"x"), 1009, answer},
		{"a byte too many in fragments", fragments(opBinary, most[:9], most[9:], "x"), 1009, answer},
		{"many bytes too many in fragments", fragments(opBinary, most[:9], most, most), 1009, answer},
		{"a byte too many in a fragment that goes on", fragments(opBinary, "", most+"x", ""), 1009, answer},
		{"a claim of 1 GiB", claim, 1009, finish},
		{"a claim of 1 GiB with some of it", claim + most, 1009, finish},
		{"a claim of 1 GiB in a fragment", frame(false, opBinary, "x") + long(opContinuation, 8, 1<<30, "x"), 1009, finish},
		{"text", frame(true, opText, "hello"), 1003, answer},
		{"empty text", frame(true, opText, ""), 1003, answer},
		{"text in fragments", fragments(opText, "hel", "lo"), 1003, answer},
		{"text that is none", frame(true, opText, "\xff"), 1003, answer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, v1Only, []chunks{whole, random(9<<10, 1)}, func(t *testing.T, f *framer, cut chunks, _ func() string) {
				wait := pour(t, f, tt.send, cut)
				var h heard
				h.close(f)
				wait()
				tt.part.take(f, h.code())
				ends(f)
				if got := h.code(); got != tt.code {
					t.Errorf("close code %d %q, want %d", got, h.bye[2:], tt.code)
				}
			})
		})
	}
}

// In raw mode a message has no limit, and is relayed as its bytes come: the end
// of this one never does.
func TestRFC6455EndlessMessage(t *testing.T) {
	payload := string(noise(1 << 20))
	for name, send := range map[string]string{
		"one frame": masked(1, long(opBinary, 8, 1<<30, payload)),
		"fragments": masked(2, frame(false, opBinary, payload[:1<<19])) + masked(3, frame(false, opContinuation, payload[1<<19:])),
	} {
		t.Run(name, func(t *testing.T) {
			f := frames(t, serve(t, to(peer(t, echo))), "")
			wait := pour(t, f, send, random(1<<16, 1))
			var h heard
			h.hear(f, func() bool { return h.data.Len() >= len(payload) })
			wait()
			if h.data.String() != payload {
				t.Error("what came back is not what was sent")
			}
		})
	}
}

// A client should wait for the answer to its handshake (§4.1), and need not.
func TestRFC6455HastyClient(t *testing.T) {
	megabyte := string(noise(1 << 20))
	for _, tt := range []struct {
		name, send, echo string
		code             int
	}{
		{"a message", frame(true, opText, "哇咔咔"), "哇咔咔", 1000},
		{"half a header", frame(true, opBinary, "hello")[:1], "hello", 1000},
		{"half a message", frame(true, opBinary, "hello")[:8], "hello", 1000},
		{"many messages", strings.Repeat(masked(5, frame(true, opBinary, "hello")), 2000), strings.Repeat("hello", 2000), 1000},
		{"a megabyte", masked(6, frame(true, opBinary, megabyte)), megabyte, 1000},
		{"a close frame", closeFrame(1001, ""), "", 1001},
		{"a violation", unmasked(frame(true, opBinary, "hello")), "", 1002},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := openHasty(t, serve(t, to(peer(t, echo))), "", tt.send)
			if strings.HasPrefix(tt.name, "half") {
				f.send(frame(true, opBinary, "hello")[len(tt.send):])
			}
			var h heard
			h.hear(f, func() bool { return h.data.Len() >= len(tt.echo) })
			if h.data.String() != tt.echo {
				t.Errorf("%d bytes come back, want the %d that were sent", h.data.Len(), len(tt.echo))
			}
			if tt.code == 1000 {
				f.send(closeFrame(1000, ""))
			}
			h.close(f)
			if tt.code == 1002 {
				answer.take(f, 1002)
			}
			ends(f)
			if got := h.code(); got != tt.code {
				t.Errorf("close code %d, want %d", got, tt.code)
			}
		})
	}
}

// Frames that bring nothing cost their sender little: endless ones are a flood
// (§10.4 lets a server bound what it takes). Messages of a byte are none.
func TestRFC6455Floods(t *testing.T) {
	const many = 5000
	for _, tt := range []struct {
		name string
		send string
		code int
	}{
		{"pings", strings.Repeat(masked(3, frame(true, opPing, "")), many), 1008},
		{"pings with payload", strings.Repeat(frame(true, opPing, strings.Repeat("x", 125)), many), 1008},
		{"pongs", strings.Repeat(frame(true, opPong, ""), many), 1008},
		{"fragments of nothing", frame(false, opBinary, "") + strings.Repeat(frame(false, opContinuation, ""), many), 1008},
		{"messages of nothing", strings.Repeat(frame(true, opBinary, ""), many), 1008},
		{"a burst", strings.Repeat(frame(true, opPing, "ping"), 900) + closeFrame(1000, ""), 1000},
		{"messages of a byte", strings.Repeat(frame(true, opBinary, "x"), many) + closeFrame(1000, ""), 1000},
		{"fragments of a byte", frame(false, opBinary, "x") + strings.Repeat(frame(false, opContinuation, "x"), many) + closeFrame(1000, ""), 1000},
		{"messages that end in nothing", strings.Repeat(fragments(opBinary, "x", ""), many) + closeFrame(1000, ""), 1000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, rawOnly, []chunks{whole, random(1<<12, 1)}, func(t *testing.T, f *framer, cut chunks, _ func() string) {
				wait := pour(t, f, tt.send, cut)
				var h heard
				h.close(f)
				wait()
				if tt.code == 1008 {
					answer.take(f, 1008)
				}
				ends(f)
				if got := h.code(); got != tt.code {
					t.Errorf("close code %d, want %d", got, tt.code)
				}
			})
		})
	}
}

// A client that is told off learns why, however much it has sent behind: a
// kernel that still holds unread bytes at the end would reset the connection,
// and the close frame would be lost with it.
func TestRFC6455UnreadBytes(t *testing.T) {
	behind := strings.Repeat(masked(0xfedc, frame(true, opBinary, string(noise(1<<16)))), 16) // a megabyte
	listed := []bridge.Target{peer(t, echo)}
	for _, tt := range []struct {
		name        string
		subprotocol string
		targets     []bridge.Target
		send        string
		code        int
	}{
		{"rules", "", listed, frame(true, 3, ""), 1002},
		{"rules of porthole.v1", wire.Subprotocol, listed, unmasked(frame(true, opBinary, skipped)), 1002},
		{"text", wire.Subprotocol, listed, frame(true, opText, "hello"), 1003},
		{"not UTF-8", "", listed, frame(true, opText, "\xff"), 1007},
		{"flood", "", listed, strings.Repeat(frame(true, opPing, ""), 1500), 1008},
		{"no target", "", nil, "", 1008},
		{"too big", wire.Subprotocol, listed, frame(true, opBinary, string(make([]byte, 1<<20))), 1009},
	} {
		t.Run(tt.name, func(t *testing.T) {
			host := serve(t, to(tt.targets...))
			send := []byte(tt.send + behind)
			for range 40 {
				f := frames(t, host, tt.subprotocol)
				if _, err := f.Write(send); err != nil {
					t.Errorf("the client writes: %v", err)
				}
				var h heard
				h.close(f)
				answer.take(f, h.code())
				ends(f)
				if got := h.code(); got != tt.code {
					t.Errorf("close code %d, want %d", got, tt.code)
				}
				_ = f.Close() // before the next comes
			}
		})
	}
}

// What comes before the end reaches the server, also if one read brought both.
func TestRFC6455LastWords(t *testing.T) {
	words := masked(9, frame(true, opText, "last ")) + fragments(opBinary, "wor", "ds")
	for _, tt := range []struct {
		name string
		send string
		code int
		part part
	}{
		{"§5.5.1 close", words + closeFrame(1000, ""), 1000, none},
		{"§5.5.1 close that says nothing", words + frame(true, opClose, ""), 0, none},
		{"§5.5.1 close behind a ping", words + frame(true, opPing, "?") + closeFrame(1000, ""), 1000, none},
		{"§5.5.1 close inside a message", words + frame(false, opText, "") + closeFrame(1000, ""), 1000, none},
		{"§7.4 close with a bad code", words + closeFrame(1005, ""), 1002, none},
		{"§7.1.7 violation", words + frame(true, 3, ""), 1002, answer},
		{"§7.1.7 violation inside a message", words + frame(false, opBinary, "") + frame(true, opBinary, "?"), 1002, answer},
		{"§7.1.7 not UTF-8", words + frame(true, opText, "\xff"), 1007, answer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, rawOnly, bothCuts, func(t *testing.T, _ *framer, cut chunks, _ func() string) {
				target, record := recorder(t, false)
				f := frames(t, serve(t, to(target)), "")
				wait := pour(t, f, tt.send, cut)
				var h heard
				h.close(f)
				wait()
				tt.part.take(f, h.code())
				ends(f)
				if got := h.code(); got != tt.code {
					t.Errorf("close code %d, want %d", got, tt.code)
				}
				if got, want := record(), "last words"; got != want {
					t.Errorf("the server read %q, want %q", got, want)
				}
			})
		})
	}
}

// When the server ends first, one close frame tells so. What the client has
// under way is nothing any more, whatever it is, and then it answers.
func TestRFC6455ServerCloses(t *testing.T) {
	for name, late := range map[string]string{
		"nothing":             "",
		"a message":           frame(true, opBinary, "late"),
		"a megabyte":          masked(8, frame(true, opText, string(noise(1<<20)))),
		"the rest":            frame(true, opContinuation, "late"),
		"pings":               strings.Repeat(frame(true, opPing, "late"), 5000),
		"control frames":      frame(true, opPong, "late") + frame(true, opPing, ""),
		"a message cut short": frame(false, opBinary, "late"),
	} {
		t.Run(name, func(t *testing.T) {
			target, accept := accepting(t)
			f := frames(t, serve(t, to(target)), "")
			c := accept()
			write(t, c, "last words")
			closeWrite(t, c)
			var h heard
			h.close(f)
			f.send(late)
			answer.take(f, h.code())
			ends(f)
			if got, want := h.data.String(), "last words"; got != want {
				t.Errorf("%q came, want %q", got, want)
			}
			if got, want := h.bye[2:], "the server has ended"; h.code() != 1000 || got != want {
				t.Errorf("close code %d %q, want 1000 %q", h.code(), got, want)
			}
			if n, err := c.Read(make([]byte, 1)); n > 0 {
				t.Errorf("the server read %d bytes behind its end, %v", n, err)
			}
		})
	}
}
