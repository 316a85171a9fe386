package bridge_test

import (
	"fmt"
	"strings"
	"testing"
)

// What a client may send, section by section of RFC 6455, and what comes back
// of it in raw mode from a server that echoes.
func TestRFC6455Messages(t *testing.T) {
	hundred := strings.Split(strings.Repeat("x", 100), "")
	pings := func(n int) (frames string, payloads []string) {
		for i := range n {
			payloads = append(payloads, fmt.Sprint("ping ", i))
			frames += masked(uint32(i), frame(true, opPing, payloads[i]))
		}
		return frames, payloads
	}
	tenPings, ten := pings(10)
	manyPings, many := pings(300)
	for _, tt := range []struct {
		name  string
		send  string
		echo  string
		pings []string
	}{
		{"§5.2 text", frame(true, opText, "哇咔咔"), "哇咔咔", nil},
		{"§5.2 binary", frame(true, opBinary, "\x00\xff"), "\x00\xff", nil},
		{"§5.2 empty messages", frame(true, opBinary, "") + frame(true, opText, "") + frame(true, opBinary, "!"), "!", nil},
		{"§5.2 a length of 16 bits", long(opBinary, 2, 126, strings.Repeat("x", 126)), strings.Repeat("x", 126), nil},
		{"§5.3 a mask", masked(0x01020304, frame(true, opBinary, "hello")), "hello", nil},
		{"§5.3 a mask that hides", masked('h'<<24|'e'<<16|'l'<<8|'l', frame(true, opBinary, "hellhell")), "hellhell", nil},
		{"§5.3 a mask for each frame", masked(1, frame(true, opBinary, "one")) + masked(0xffffffff, frame(true, opBinary, "two")) + frame(true, opText, "three"), "onetwothree", nil},
		{"§5.3 a mask without payload", masked(0xffffffff, frame(true, opBinary, "")) + frame(true, opBinary, "!"), "!", nil},
		{"§5.4 two fragments", fragments(opBinary, "hel", "lo"), "hello", nil},
		{"§5.4 a hundred fragments", fragments(opText, hundred...), strings.Join(hundred, ""), nil},
		{"§5.4 the first is empty", fragments(opBinary, "", "hello"), "hello", nil},
		{"§5.4 one between is empty", fragments(opText, "hel", "", "", "lo"), "hello", nil},
		{"§5.4 the last is empty", fragments(opBinary, "hello", ""), "hello", nil},
		{"§5.4 all are empty", fragments(opText, "", "", "") + frame(true, opBinary, "!"), "!", nil},
		{"§5.4 message behind message", fragments(opBinary, "a", "b") + fragments(opText, "c", "d") + frame(true, opBinary, "e"), "abcde", nil},
		{"§5.4 a ping between fragments", frame(false, opText, "hel") + masked(7, frame(true, opPing, "?")) + frame(true, opContinuation, "lo"), "hello", []string{"?"}},
		{"§5.4 a pong between fragments", frame(false, opBinary, "hel") + frame(true, opPong, "?") + frame(true, opContinuation, "lo"), "hello", nil},
		{"§5.5.2 a ping", frame(true, opPing, "ping"), "", []string{"ping"}},
		{"§5.5.2 an empty ping", frame(true, opPing, ""), "", []string{""}},
		{"§5.5.2 a ping of a byte", masked(99, frame(true, opPing, "\x00")), "", []string{"\x00"}},
		{"§5.5.2 a ping of 125 bytes", masked(0xfeedface, frame(true, opPing, strings.Repeat("\xfe", 125))), "", []string{strings.Repeat("\xfe", 125)}},
		{"§5.5.2 a ping behind a message", frame(true, opBinary, "hello") + frame(true, opPing, "?"), "hello", []string{"?"}},
		{"§5.5.3 ten pings", tenPings, "", ten},
		{"§5.5.3 three hundred pings", manyPings, "", many},
		{"§5.5.3 pongs that no one asked for", frame(true, opPong, "") + frame(true, opPong, strings.Repeat("x", 125)) + frame(true, opBinary, "!"), "!", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, rawOnly, bothCuts, func(t *testing.T, f *framer, cut chunks, record func() string) {
				wait := pour(t, f, tt.send, cut)
				var h heard
				h.hear(f, func() bool {
					return h.data.Len() >= len(tt.echo) && (len(tt.pings) == 0 || h.answers(tt.pings))
				})
				wait()
				f.send(closeFrame(1000, ""))
				h.close(f)
				ends(f)
				if got := h.data.String(); got != tt.echo {
					t.Errorf("%q comes back, want %q", got, tt.echo)
				}
				if !h.answers(tt.pings) {
					t.Errorf("the pongs are %q, want %q", h.pongs, tt.pings)
				}
				if got, want := h.code(), 1000; got != want {
					t.Errorf("close code %d, want %d", got, want)
				}
				if got := record(); got != tt.echo {
					t.Errorf("the server read %q, want %q", got, tt.echo)
				}
			})
		})
	}
}

// What a client may not send. The gateway fails the connection (§7.1.7) and
// none of the bad frame reaches the server.
func TestRFC6455Violations(t *testing.T) {
	type rule struct {
		name string
		send string
		code int
		part part
	}
	begun := frame(false, opBinary, skipped+"begun") // a message of which more is to come
	rules := []rule{
		{"§5.1 binary without a mask", unmasked(frame(true, opBinary, "hello")), 1002, answer},
		{"§5.1 text without a mask", unmasked(frame(true, opText, "hello")), 1002, answer},
		{"§5.1 nothing without a mask", unmasked(frame(true, opBinary, "")), 1002, answer},
		{"§5.1 a fragment without a mask", begun + unmasked(frame(true, opContinuation, "hello")), 1002, answer},
		{"§5.1 a ping without a mask", unmasked(frame(true, opPing, "ping")), 1002, answer},
		{"§5.1 a pong without a mask", unmasked(frame(true, opPong, "")), 1002, answer},
		{"§5.1 a close frame without a mask", unmasked(closeFrame(1000, "")), 1002, finish},
		{"§5.2 reserved bit 1", frame(true, 0x40|opBinary, "hello"), 1002, answer},
		{"§5.2 reserved bit 2", frame(true, 0x20|opText, "hello"), 1002, answer},
		{"§5.2 reserved bit 3", frame(true, 0x10|opBinary, ""), 1002, answer},
		{"§5.2 all reserved bits", frame(true, 0x70|opBinary, "hello"), 1002, answer},
		{"§5.2 a reserved bit in a fragment", begun + frame(true, 0x40|opContinuation, "hello"), 1002, answer},
		{"§5.2 a reserved bit in a ping", frame(true, 0x40|opPing, "ping"), 1002, answer},
		{"§5.2 a reserved bit in a pong", frame(true, 0x20|opPong, ""), 1002, answer},
		{"§5.2 a reserved bit in a close frame", frame(true, 0x10|opClose, "\x03\xe8"), 1002, finish},
		{"§5.2 0 in 16 bits", long(opBinary, 2, 0, ""), 1002, answer},
		{"§5.2 125 in 16 bits", long(opBinary, 2, 125, strings.Repeat("x", 125)), 1002, answer},
		{"§5.2 0 in 64 bits", long(opBinary, 8, 0, ""), 1002, answer},
		{"§5.2 125 in 64 bits", long(opBinary, 8, 125, strings.Repeat("x", 125)), 1002, answer},
		{"§5.2 126 in 64 bits", long(opBinary, 8, 126, strings.Repeat("x", 126)), 1002, answer},
		{"§5.2 65535 in 64 bits", long(opBinary, 8, 65535, strings.Repeat("x", 65535)), 1002, answer},
		{"§5.2 a long form in a fragment", begun + long(opContinuation, 2, 5, "hello"), 1002, answer},
		{"§5.2 the top bit of 64", long(opBinary, 8, 1<<63, ""), 1002, finish},
		{"§5.2 all of 64 bits", long(opText, 8, 1<<64-1, "hello"), 1002, finish},
		{"§5.4 a continuation of nothing", frame(false, opContinuation, "hello"), 1002, answer},
		{"§5.4 an end of nothing", frame(true, opContinuation, ""), 1002, answer},
		{"§5.4 a continuation of a message that has ended", frame(true, opBinary, skipped) + frame(true, opContinuation, "hello"), 1002, answer},
		{"§5.4 a continuation behind the last", begun + frame(true, opContinuation, "") + frame(true, opContinuation, "hello"), 1002, answer},
		{"§5.4 binary inside a message", begun + frame(true, opBinary, "hello"), 1002, answer},
		{"§5.4 text inside a message", begun + frame(true, opText, "hello"), 1002, answer},
		{"§5.4 a new message inside a message", begun + frame(false, opBinary, ""), 1002, answer},
		{"§5.5 a ping of 126 bytes", frame(true, opPing, strings.Repeat("x", 126)), 1002, answer},
		{"§5.5 a pong of 126 bytes", frame(true, opPong, strings.Repeat("x", 126)), 1002, answer},
		{"§5.5 a close frame of 126 bytes", closeFrame(1000, strings.Repeat("x", 124)), 1002, finish},
		{"§5.5 a ping of 65536 bytes", frame(true, opPing, strings.Repeat("x", 1<<16)), 1002, answer},
		{"§5.5 a ping of 2 bytes in 16 bits", long(opPing, 2, 2, "hi"), 1002, answer},
		{"§5.5 a ping in fragments", frame(false, opPing, "ping"), 1002, answer},
		{"§5.5 a pong in fragments", frame(false, opPong, ""), 1002, answer},
		{"§5.5 a close frame in fragments", frame(false, opClose, "\x03\xe8"), 1002, finish},
		{"§5.5.1 half a close code", frame(true, opClose, "\x03"), 1002, none},
		{"§5.5.1 a reason with half a character", closeFrame(1000, "哇\xe5"), 1007, none},
		{"§5.5.1 a reason with a surrogate", closeFrame(1000, "\xed\xa0\x80"), 1007, none},
		{"§5.5.1 a reason in Latin-1", closeFrame(3000, "\xfcber"), 1007, none},
	}
	for _, opcode := range []byte{3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF} {
		rules = append(rules, rule{fmt.Sprintf("§5.2 opcode %x", opcode), frame(true, opcode, "hello"), 1002, answer})
	}
	for _, code := range []uint16{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		rules = append(rules, rule{fmt.Sprintf("§7.4 close code %d", code), closeFrame(code, "because"), 1002, none})
	}
	for _, tt := range rules {
		t.Run(tt.name, func(t *testing.T) {
			cuts := bothCuts
			if len(tt.send) > 1<<10 {
				cuts = []chunks{whole, random(1<<12, 1)}
			}
			each(t, anyKind, cuts, func(t *testing.T, f *framer, cut chunks, record func() string) {
				wait := pour(t, f, tt.send, cut)
				var h heard
				h.close(f)
				wait()
				tt.part.take(f, h.code())
				ends(f)
				if got := h.code(); got != tt.code {
					t.Errorf("close code %d %q, want %d", got, h.bye[2:], tt.code)
				}
				if len(h.pongs) > 0 {
					t.Errorf("pongs %q", h.pongs)
				}
				if got, want := record(), skipped+"begun"; !strings.HasPrefix(want, got) {
					t.Errorf("the server read %q", got)
				}
			})
		})
	}
}

// A client's close frame is answered by one with its code, and then the
// connection ends; whatever comes behind it is nothing.
func TestRFC6455Close(t *testing.T) {
	type rule struct {
		name string
		send string
		code int // 0 if the answer says nothing
	}
	begun := frame(false, opBinary, skipped)
	rules := []rule{
		{"§5.5.1 says nothing", frame(true, opClose, ""), 0},
		{"§5.5.1 says nothing, with a mask", masked(0xffffffff, frame(true, opClose, "")), 0},
		{"§5.5.1 with a mask", masked(0x12345678, closeFrame(1000, "goodbye")), 1000},
		{"§5.5.1 with a reason", closeFrame(1001, "再见"), 1001},
		{"§5.5.1 with a reason of 123 bytes", closeFrame(4999, strings.Repeat("好", 41)), 4999},
		{"§5.4 between fragments", begun + closeFrame(1000, ""), 1000},
		{"§5.4 between fragments that are empty", frame(false, opBinary, "") + frame(false, opContinuation, "") + closeFrame(3999, ""), 3999},
		{"§5.5.1 data behind it", closeFrame(1000, "") + frame(true, opBinary, "late"), 1000},
		{"§5.5.1 data behind nothing", frame(true, opClose, "") + frame(true, opText, "late"), 0},
		{"§5.5.1 the rest of a message behind it", begun + closeFrame(1001, "") + frame(true, opContinuation, "late"), 1001},
		{"§5.5.1 another behind it", closeFrame(1001, "") + closeFrame(1000, ""), 1001},
		{"§5.5.1 a ping behind it", closeFrame(1001, "") + frame(true, opPing, "late"), 1001},
		{"§1.4 no frame at all behind it", closeFrame(1000, "") + "GET / HTTP/1.1\r\n\r\n", 1000},
	}
	for _, codes := range [][2]uint16{{1000, 1003}, {1007, 1014}, {3000, 3001}, {3999, 4001}, {4998, 4999}} {
		for code := codes[0]; code <= codes[1]; code++ {
			rules = append(rules, rule{fmt.Sprintf("§7.4 close code %d", code), closeFrame(code, ""), int(code)})
		}
	}
	for _, tt := range rules {
		t.Run(tt.name, func(t *testing.T) {
			cuts := bothCuts
			if strings.Contains(tt.name, "behind") {
				cuts = cuts[:1] // it must be there when the connection ends, or the kernel answers it
			}
			each(t, anyKind, cuts, func(t *testing.T, f *framer, cut chunks, record func() string) {
				wait := pour(t, f, tt.send, cut)
				var h heard
				h.close(f)
				wait()
				ends(f)
				if got := h.code(); got != tt.code || len(h.bye) == 1 {
					t.Errorf("the answer says %q, want code %d", h.bye, tt.code)
				}
				if len(h.pongs) > 0 {
					t.Errorf("pongs %q", h.pongs)
				}
				if got := record(); !strings.HasPrefix(skipped, got) {
					t.Errorf("the server read %q", got)
				}
			})
		})
	}
}
