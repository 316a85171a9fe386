package view

import (
	"bytes"
	"slices"
)

// Lens is a way to find messages in a stream, which has none.
type Lens uint8

// The order is the page's.
const (
	UTF8    Lens = iota // characters, as a decoder finds them that keeps what is incomplete
	Newline             // lines, which end in \n or \r\n
	Length              // two bytes of length, the high one first, and so many bytes
)

// framed is a message that was found, with the delimiter or length that is part
// of it. It is whole once all of it was written and read. Its text is without
// those, and bounded.
type framed struct {
	from, to uint64
	whole    bool
	text     string
}

const (
	maxSteps  = 100_000 // messages that are looked at to find another
	maxPieces = 1 << 12 // pieces of a stream that are looked at to find where a line begins or ends
)

// frames returns the messages that have bytes in a range, in order. They are
// not all known if bytes that tell where one begins are not kept.
func (s *stream) frames(lens Lens, marks *marks, from, to uint64) (all []framed, known bool) {
	if from >= to {
		return nil, true
	}
	switch lens {
	case Newline:
		return s.lines(from, to)
	case Length:
		return s.lengths(marks, from, to)
	}
	for _, g := range s.glyphs(from, to) {
		f := framed{from: g.from, to: g.to, text: g.text}
		if g.form == formBegun {
			f.text = "" // the decoder waits
		}
		f.whole = (g.form == formWhole || g.form == formBroken) && g.to <= s.read
		all = append(all, f)
	}
	return all, true
}

// lines finds those that end in a newline. There may be one, or none, among
// bytes that are not kept: what is before them and behind them is not whole.
func (s *stream) lines(from, to uint64) (all []framed, known bool) {
	c := cursor{s: s}
	at, known := c.lineStart(from)
	for begun := known; at < to; {
		end, found := c.lineEnd(at)
		lost := !found && end < s.wrote
		if lost {
			known = false
		}
		if end == at {
			begun = false
			at++
			continue
		}
		body := end
		switch {
		case lost:
			body++ // into what is not kept
		case found:
			body--
			if body > at && c.at(body - 1)[0] == '\r' {
				body--
			}
		}
		all = append(all, framed{at, end, begun && found && end <= s.read, c.text(at, body)})
		at, begun = end, found
	}
	return all, known
}

// lineStart is where the line begins that a byte is of; or, and then it is not
// known, what of the line is kept.
func (c *cursor) lineStart(of uint64) (at uint64, known bool) {
	for range maxPieces {
		if of == 0 {
			return 0, true
		}
		if len(c.at(of-1)) == 0 {
			break
		}
		if i := bytes.LastIndexByte(c.b[:of-c.from], '\n'); i >= 0 {
			return c.from + uint64(i) + 1, true
		}
		of = c.from
	}
	return of, false
}

// lineEnd is the offset behind the next newline; or, and then it is not found,
// behind the bytes that are kept.
func (c *cursor) lineEnd(from uint64) (at uint64, found bool) {
	at = from
	for range maxPieces {
		b := c.at(at)
		if len(b) == 0 {
			break
		}
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			return at + uint64(i) + 1, true
		}
		at += uint64(len(b))
	}
	return at, false
}

// lengths follows the lengths from the stream's first byte. Behind one that is
// not kept, nothing is known.
func (s *stream) lengths(marks *marks, from, to uint64) (all []framed, known bool) {
	c := cursor{s: s}
	at := marks.before(from)
	for range maxSteps {
		if at >= min(to, s.wrote) {
			return all, true
		}
		marks.note(at)
		next, whole := s.wrote, false // if even the length is not all there
		if left := s.wrote - at; left >= prefix {
			n, ok := c.length(at)
			if !ok {
				return all, false
			}
			n += prefix
			next = at + min(n, left)
			whole = n <= left && next <= s.read
		}
		if next > from {
			all = append(all, framed{at, next, whole, c.text(min(at+prefix, next), next)})
		}
		at = next
	}
	return all, false
}

// prefix is how many bytes a length has.
const prefix = 2

func (c *cursor) length(at uint64) (n uint64, kept bool) {
	for i := range uint64(prefix) {
		b := c.at(at + i)
		if len(b) == 0 {
			return 0, false
		}
		n = n<<8 | uint64(b[0])
	}
	return n, true
}

// text is the start of a range, as far as it is kept. A character that is cut
// there by that, or by the bound on a text, is left out.
func (c *cursor) text(from, to uint64) string {
	var all []byte
	for at := from; at < to && len(all) < preview; {
		b := c.at(at)
		if len(b) == 0 {
			break
		}
		b = b[:min(uint64(len(b)), to-at)]
		all = append(all, b[:min(len(b), preview-len(all))]...)
		at += uint64(len(b))
	}
	return string(start(all, to-from))
}

// marks remembers where messages begin in a stream that can be followed from its
// first byte only, to follow it once. What is noted stays true: a stream does
// not change. Nil remembers nothing.
type marks struct{ at []uint64 }

const apart = 16 << 10 // bytes between marks, at least

// before is the last mark that is not behind an offset.
func (m *marks) before(offset uint64) uint64 {
	if m == nil {
		return 0
	}
	i, found := slices.BinarySearch(m.at, offset)
	switch {
	case found:
		return offset
	case i > 0:
		return m.at[i-1]
	}
	return 0
}

// note keeps where a message begins, if the last mark is far enough before it.
func (m *marks) note(at uint64) {
	if m == nil {
		return
	}
	var last uint64
	if n := len(m.at); n > 0 {
		last = m.at[n-1]
	}
	if at > last && at-last >= apart {
		m.at = append(m.at, at)
	}
}
