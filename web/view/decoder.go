package view

import (
	"strings"
	"unicode/utf8"
)

// Decoder turns the bytes of one direction into text, as a stream: a character
// that was cut in two is kept back until the rest of it comes. Bytes that are
// no UTF-8 become U+FFFD, as many as a browser's TextDecoder would show: one
// for each longest start of a character. The zero value is ready.
type Decoder struct {
	tail [utf8.UTFMax]byte
	n    int // bytes in tail: the start of a character
}

// Decode returns the text that p completes.
func (d *Decoder) Decode(p []byte) string {
	var b strings.Builder
	for len(p) > 0 {
		if d.n == 0 {
			whole := valid(p)
			b.Write(p[:whole])
			p = p[whole:]
			if len(p) == 0 {
				break
			}
		}
		d.tail[d.n] = p[0]
		head := d.tail[:d.n+1]
		switch {
		case !utf8.FullRune(head):
			d.n++
			p = p[1:]
		case utf8.Valid(head):
			b.Write(head)
			d.n = 0
			p = p[1:]
		case d.n > 0: // what waited stays without its rest; p[0] stands for itself
			b.WriteRune(utf8.RuneError)
			d.n = 0
		default:
			b.WriteRune(utf8.RuneError)
			p = p[1:]
		}
	}
	return b.String()
}

// Pending is how many bytes wait for the rest of their character.
func (d *Decoder) Pending() int { return d.n }

// End gives up on what waits: the stream has ended in mid-character.
func (d *Decoder) End() string {
	if d.n == 0 {
		return ""
	}
	d.n = 0
	return string(utf8.RuneError)
}

// valid is how many bytes at the front of p are whole characters, but for
// U+FFFD, which looks like what is none.
func valid(p []byte) int {
	n := 0
	for n < len(p) {
		r, size := utf8.DecodeRune(p[n:])
		if r == utf8.RuneError {
			break
		}
		n += size
	}
	return n
}
