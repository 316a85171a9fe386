package bridge

import (
	"encoding/binary"
	"unicode/utf8"
)

// Opcodes (RFC 6455 §5.2). Those from opClose on are of control frames.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// The first byte of a frame is FIN, three reserved bits and the opcode, the
// second MASK and the length (RFC 6455 §5.2).
const (
	finBit     = 0x80
	rsvBits    = 0x70
	maskBit    = 0x80
	size16     = 126 // the length is in the next 2 bytes
	size64     = 127 // … 8 bytes
	maxHead    = 14  // bytes, with the longest length and a mask
	maxControl = 125 // bytes of payload in a control frame (§5.5)
)

// head is the header of a frame from a client.
type head struct {
	first  byte // FIN, reserved bits and opcode
	masked bool
	short  bool // the length is in as few bytes as can be
	size   uint64
	key    [4]byte
}

func (h *head) fin() bool     { return h.first&finBit != 0 }
func (h *head) opcode() byte  { return h.first & 0xF }
func (h *head) control() bool { return h.opcode() >= opClose }

// parseHead reads the header at the front of b, which takes n bytes; n is 0 if
// b has not all of it.
func parseHead(b []byte) (h head, n int) {
	if len(b) < 2 {
		return h, 0
	}
	h = head{first: b[0], masked: b[1]&maskBit != 0, short: true, size: uint64(b[1] &^ maskBit)}
	n = 2
	switch {
	case h.size == size16 && len(b) >= 4:
		h.size = uint64(binary.BigEndian.Uint16(b[2:]))
		h.short = h.size >= size16
		n = 4
	case h.size == size64 && len(b) >= 10:
		h.size = binary.BigEndian.Uint64(b[2:])
		h.short = h.size > 1<<16-1
		n = 10
	case h.size >= size16:
		return h, 0
	}
	if !h.masked {
		return h, n
	}
	if len(b) < n+len(h.key) {
		return h, 0
	}
	return h, n + copy(h.key[:], b[n:])
}

// judge holds a header to the rules that need no other frame.
func (h *head) judge() error {
	switch {
	case h.first&rsvBits != 0:
		return broken("RFC 6455 §5.2: a reserved bit is set, and no extension was agreed on")
	case h.opcode() > opPong || h.opcode() > opBinary && h.opcode() < opClose:
		return broken("RFC 6455 §5.2: a reserved opcode")
	case !h.masked:
		return broken("RFC 6455 §5.1: a client's frame has no mask")
	case !h.short || h.size >= 1<<63:
		return broken("RFC 6455 §5.2: a length is not in its shortest form")
	case h.control() && (!h.fin() || h.size > maxControl):
		return broken("RFC 6455 §5.5: a control frame in fragments, or of more than 125 bytes")
	}
	return nil
}

// unmask takes the mask from p (RFC 6455 §5.3), and turns key to where the next
// bytes of the frame will need it.
func unmask(p []byte, key *[4]byte) {
	k := binary.LittleEndian.Uint32(key[:])
	kk := uint64(k)<<32 | uint64(k)
	turn := len(p) % len(key)
	for len(p) >= 32 { // unrolled: 24 GB/s instead of 10
		q := (*[32]byte)(p)
		binary.LittleEndian.PutUint64(q[0:], binary.LittleEndian.Uint64(q[0:])^kk)
		binary.LittleEndian.PutUint64(q[8:], binary.LittleEndian.Uint64(q[8:])^kk)
		binary.LittleEndian.PutUint64(q[16:], binary.LittleEndian.Uint64(q[16:])^kk)
		binary.LittleEndian.PutUint64(q[24:], binary.LittleEndian.Uint64(q[24:])^kk)
		p = p[32:]
	}
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^kk)
		p = p[8:]
	}
	for i := range p {
		p[i] ^= key[i%len(key)]
	}
	was := *key
	for i := range key {
		key[i] = was[(i+turn)%len(key)]
	}
}

// room is what the longest header of ours takes; ours have no mask (§5.1).
const room = 10

// putHead writes a frame's header right in front of b[at:], its payload, and
// returns where it starts.
func putHead(b []byte, at int, opcode byte) int {
	switch n := len(b) - at; {
	case n < size16:
		at -= 2
		b[at+1] = byte(n)
	case n < 1<<16:
		at -= 4
		b[at+1] = size16
		binary.BigEndian.PutUint16(b[at+2:], uint16(n))
	default:
		at -= 10
		b[at+1] = size64
		binary.BigEndian.PutUint64(b[at+2:], uint64(n))
	}
	b[at] = finBit | opcode
	return at
}

// goodbye is what a close frame says (RFC 6455 §5.5.1): nothing, or a code and
// perhaps a reason.
type goodbye struct {
	code   int // closeNoStatus if it says nothing
	reason string
}

func (g *goodbye) Error() string { return "the page has closed its WebSocket: " + g.reason }

// parseGoodbye reads a close frame's payload.
func parseGoodbye(p []byte) (*goodbye, error) {
	if len(p) == 0 {
		return &goodbye{code: closeNoStatus}, nil
	}
	if len(p) == 1 {
		return nil, broken("RFC 6455 §5.5.1: half a close code")
	}
	g := &goodbye{int(binary.BigEndian.Uint16(p)), string(p[2:])}
	switch c := g.code; { // §7.4, and the registry of §11.7
	case c >= 1000 && c < 1015 && c != 1004 && c != closeNoStatus && c != 1006, c >= 3000 && c < 5000:
	default:
		return nil, broken("RFC 6455 §7.4: a close code that is not for the wire")
	}
	if !utf8.ValidString(g.reason) {
		return nil, &violation{closeNotUTF8, "RFC 6455 §8.1: a close reason is not UTF-8"}
	}
	return g, nil
}

// text checks that the payload of a text message, which comes in pieces, is
// UTF-8 (RFC 6455 §8.1). The zero value is for the next message.
type text struct {
	cut [utf8.UTFMax]byte // the character that the last piece ended in
	n   int
}

// valid takes the next piece; end tells that it is the message's last.
func (t *text) valid(p []byte, end bool) bool {
	for t.n > 0 && !utf8.FullRune(t.cut[:t.n]) && len(p) > 0 {
		t.cut[t.n] = p[0]
		t.n++
		p = p[1:]
	}
	if t.n > 0 && utf8.FullRune(t.cut[:t.n]) {
		if !utf8.Valid(t.cut[:t.n]) {
			return false
		}
		t.n = 0
	}
	whole := len(p)
	for i := range min(utf8.UTFMax-1, len(p)) { // look for a character that p cuts
		if at := len(p) - 1 - i; utf8.RuneStart(p[at]) {
			if !utf8.FullRune(p[at:]) {
				whole = at
			}
			break
		}
	}
	if t.n == 0 {
		t.n = copy(t.cut[:], p[whole:])
	}
	return utf8.Valid(p[:whole]) && (t.n == 0 || !end)
}
