package bridge

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"unicode/utf8"

	"porthole/wire"
)

// trickle is a client whose bytes come in pieces of its own choice, and end.
type trickle struct {
	net.Conn
	left  []byte
	sizes *rand.Rand
	limit int // bytes in a piece
}

func (c *trickle) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 1+c.sizes.IntN(c.limit))], c.left)
	c.left = c.left[n:]
	return n, nil
}

func (c *trickle) Write(p []byte) (int, error) { return len(p), nil }
func (c *trickle) Close() error                { return nil }

// heard is what was made of a client's bytes.
type heard struct {
	payload  []byte
	messages []string // "" behind what is of no message
	code     int      // of the violation or the goodbye, 0 if it was cut off
}

// listen reads all that a client sends, in one of the modes.
func listen(data []byte, seed uint64, limit int, whole, watched bool) heard {
	c := &trickle{left: data, sizes: rand.New(rand.NewPCG(seed, seed)), limit: limit}
	ws := newWebSocket(c, nil, whole, watched)
	defer ws.Abort()
	var h heard
	for {
		p, err := ws.Next()
		if err == nil {
			h.payload = append(h.payload, p...)
			h.messages = append(h.messages, string(p))
			continue
		}
		if said, ok := errors.AsType[*goodbye](err); ok {
			h.code = said.code
		} else if rule, ok := errors.AsType[*violation](err); ok {
			h.code = rule.code
		}
		return h
	}
}

// spell reads the same bytes all at once, the plain way.
func spell(data []byte, whole bool) (h heard) {
	var message []byte
	open, isText, budget := false, false, idleBurst
	for len(data) >= 2 {
		fin, rsv, opcode := data[0]&0x80 != 0, data[0]&0x70 != 0, data[0]&0xF
		size, head := uint64(data[1]&0x7F), 2
		switch size {
		case 126:
			head = 4
		case 127:
			head = 10
		}
		masked := data[1]&0x80 != 0
		if masked {
			head += 4
		}
		if len(data) < head {
			return h
		}
		shortest := uint64(0)
		switch size {
		case 126:
			size, shortest = uint64(binary.BigEndian.Uint16(data[2:])), 126
		case 127:
			size, shortest = binary.BigEndian.Uint64(data[2:]), 1<<16
		}
		control := opcode >= 8
		known := opcode <= 2 || opcode >= 8 && opcode <= 10
		if rsv || !known || !masked || size < shortest || size > 1<<63-1 || control && (!fin || size > 125) ||
			!control && (opcode == 0) != open {
			h.code = 1002
			return h
		}
		if !control && whole {
			if opcode == 1 {
				h.code = 1003
				return h
			}
			if uint64(len(message))+size > wire.MaxMessage {
				h.code = 1009
				return h
			}
		}
		key := data[head-4 : head]
		payload := bytes.Clone(data[head:min(uint64(len(data)), uint64(head)+min(size, 1<<32))])
		for i := range payload {
			payload[i] ^= key[i%4]
		}
		cut := uint64(len(payload)) < size
		if control && cut {
			return h
		}
		if control || size == 0 && !(fin && opcode == 0) {
			if budget--; budget < 0 {
				h.code = 1008
				return h
			}
		}
		data = data[head+len(payload):]
		if control {
			if opcode != 8 {
				continue
			}
			switch {
			case len(payload) == 0:
				h.code = 1005
			case len(payload) == 1:
				h.code = 1002
			default:
				h.code = int(binary.BigEndian.Uint16(payload))
				if c := h.code; c < 1000 || c > 4999 || c == 1004 || c == 1005 || c == 1006 || c > 1014 && c < 3000 {
					h.code = 1002
				} else if !utf8.Valid(payload[2:]) {
					h.code = 1007
				}
			}
			return h
		}
		if opcode != 0 {
			isText = opcode == 1
		}
		if !whole {
			h.payload = append(h.payload, payload...)
		}
		message = append(message, payload...)
		open = !fin || cut
		if isText && !starts(message) {
			h.code = 1007
			return h
		}
		if cut {
			return h
		}
		if !fin {
			continue
		}
		if isText && !utf8.Valid(message) {
			h.code = 1007
			return h
		}
		h.messages = append(h.messages, string(message))
		if whole {
			h.payload = append(h.payload, message...)
		}
		message = nil
	}
	return h
}

// starts tells whether b may be the beginning of UTF-8.
func starts(b []byte) bool {
	for n := range min(utf8.UTFMax, len(b)+1) {
		whole := len(b) - n
		if utf8.Valid(b[:whole]) && (n == 0 || !utf8.FullRune(b[whole:])) {
			return true
		}
	}
	return false
}

// FuzzReader gives a reader what a client may send, in pieces of any size, in
// each mode. A plain reading of the whole tells what must come of it.
func FuzzReader(f *testing.F) {
	for _, frames := range scripts() {
		f.Add(frames, uint64(1), uint16(3))
		f.Add(frames, uint64(2), uint16(1000))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64, limit uint16) {
		for _, whole := range []bool{false, true} {
			want := spell(data, whole)
			for _, watched := range []bool{false, true} {
				got := listen(data, seed, 1+int(limit), whole, watched)
				mode := fmt.Sprintf("whole %v, watched %v", whole, watched)
				if got.code != want.code {
					t.Errorf("%s: code %d, want %d", mode, got.code, want.code)
				}
				// Bytes of a text that turns out to be none may have been
				// passed on, or not: how many depends on the pieces.
				if got.code == 1007 && !whole {
					if n := min(len(got.payload), len(want.payload)); !bytes.Equal(got.payload[:n], want.payload[:n]) {
						t.Errorf("%s: other bytes before it", mode)
					}
				} else if !bytes.Equal(got.payload, want.payload) {
					t.Errorf("%s: %d bytes %.40q, want %d %.40q", mode, len(got.payload), got.payload, len(want.payload), want.payload)
				}
				if whole && fmt.Sprintf("%q", got.messages) != fmt.Sprintf("%q", want.messages) {
					t.Errorf("%s: messages %.80q, want %.80q", mode, got.messages, want.messages)
				}
			}
		}
	})
}

// scripts are clients' frames to begin with.
func scripts() [][]byte {
	key := []byte{1, 2, 3, 4}
	frame := func(first byte, payload string) []byte {
		b := []byte{first}
		switch n := len(payload); {
		case n < 126:
			b = append(b, maskBit|byte(n))
		case n < 1<<16:
			b = binary.BigEndian.AppendUint16(append(b, maskBit|126), uint16(n))
		default:
			b = binary.BigEndian.AppendUint64(append(b, maskBit|127), uint64(n))
		}
		b = append(b, key...)
		for i, c := range []byte(payload) {
			b = append(b, c^key[i%4])
		}
		return b
	}
	long := string(bytes.Repeat([]byte("0123456789abcdef"), 5000))
	join := func(frames ...[]byte) []byte { return bytes.Join(frames, nil) }
	return [][]byte{
		nil,
		frame(0x82, "hello"),
		join(frame(0x82, "a"), frame(0x82, "b"), frame(0x82, ""), frame(0x82, long[:200]), frame(0x88, "\x03\xe8bye")),
		join(frame(0x01, "哇咔\xe5"), frame(0x89, "ping"), frame(0x00, ""), frame(0x80, "\x92\x94"), frame(0x81, "\xff")),
		join(frame(0x02, long[:70000]), frame(0x80, long[:10]), frame(0x82, long)),
		join(frame(0x82, long[:65536]), frame(0x82, long[:65535]), frame(0x88, "")),
		join(frame(0x82, "x"), frame(0x80, "y")),
		join(frame(0x02, "x"), frame(0x82, "y")),
		{0x82, 0x05, 'h'},
		{0xC2, 0x80, 0, 0, 0, 0},
		{0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 1, 2, 3, 4, 5},
		{0x82, 0xFF, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3},
		bytes.Repeat(frame(0x89, ""), idleBurst+50),
		bytes.Repeat(join(frame(0x02, "0"), frame(0x80, "")), 2*idleBurst),
		bytes.Repeat(frame(0x82, "many small ones"), 40),
	}
}

func TestUnmask(t *testing.T) {
	for n := range 200 {
		for cut := range min(n, 40) + 1 {
			p := make([]byte, n)
			key := [4]byte{0xA1, 0xB2, 0xC3, 0xD4}
			turned := key
			unmask(p[:cut], &turned)
			unmask(p[cut:], &turned)
			for i, c := range p {
				if c != key[i%4] {
					t.Fatalf("%d bytes cut at %d: byte %d is %x, want %x", n, cut, i, c, key[i%4])
				}
			}
		}
	}
}

// A text is checked piece by piece as it is whole.
func TestTextInPieces(t *testing.T) {
	texts := []string{"", "plain", "哇咔咔", "a\u00e9b\U0001F600c", "\xff", "a\xc3", "\xe5\x92", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\x80", "\xf0\x9f\x98", "x\x80y", "\xe5\x92\x94\xe5"}
	for _, s := range texts {
		for i := range len(s) + 1 {
			for j := i; j <= len(s); j++ {
				var v text
				got := v.valid([]byte(s[:i]), false) && v.valid([]byte(s[i:j]), false) && v.valid([]byte(s[j:]), true)
				if want := utf8.ValidString(s); got != want {
					t.Errorf("%q in pieces at %d and %d: %v, want %v", s, i, j, got, want)
				}
			}
		}
	}
}
