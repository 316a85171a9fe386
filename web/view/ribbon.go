package view

import (
	"math"
	"unicode/utf8"
)

// stream is the bytes of one direction of a connection, as far as they are
// known. Events copy only the first bytes of what they moved, and old ones are
// dropped: of some bytes one knows that they were, and not what.
type stream struct {
	// kept returns the bytes that are at hand around the one at an offset, and
	// the offset of the first of them; none if that byte is not kept.
	kept  func(at uint64) (from uint64, b []byte)
	wrote uint64 // how many bytes there are so far
	read  uint64 // how many of them were read
}

// cursor reads a stream, and looks up its bytes as seldom as it can.
type cursor struct {
	s    *stream
	from uint64
	b    []byte
}

// at returns the bytes from an offset on, as many as are at hand: none if the
// one at the offset is not kept.
func (c *cursor) at(offset uint64) []byte {
	if offset < c.from || offset-c.from >= uint64(len(c.b)) {
		c.from, c.b = c.s.kept(offset)
		if len(c.b) == 0 {
			return nil
		}
	}
	return c.b[offset-c.from:]
}

// window copies the bytes of a range. Those that are not kept are 0, and 0 in
// known, where the others have a 1.
func (s *stream) window(from, to uint64) (b, known []byte) {
	b, known = make([]byte, to-from), make([]byte, to-from)
	c := cursor{s: s}
	for i := 0; i < len(b); {
		n := copy(b[i:], c.at(from+uint64(i)))
		for j := range n {
			known[i+j] = 1
		}
		i += max(n, 1)
	}
	return b, known
}

// form is what is known of a character.
type form uint8

const (
	formWhole  form = iota
	formBegun       // the rest of it is not written yet
	formBroken      // no UTF-8
	formTorn        // the rest of it is not kept; what it is can't be told
)

// glyph is a character and the bytes of it. As in Node's toString, what is no
// UTF-8 is U+FFFD, one for each longest start of a character. It has no text if
// bytes of it are not kept.
type glyph struct {
	from, to uint64
	cut      bool // it was read in pieces
	form     form
	text     string
}

// glyphs returns the characters that have bytes in a range, in order. Between
// them they have each byte that is kept, once, and no other.
func (s *stream) glyphs(from, to uint64) []glyph {
	if from >= to {
		return nil
	}
	// A character that begins or ends outside has at most three bytes there.
	// To start within an earlier one is no harm: what is left of it is its own.
	const around = utf8.UTFMax - 1
	start, stop := from-min(from, around), to+min(math.MaxUint64-to, around)
	b, known := s.window(start, stop)
	var all []glyph
	for i := 0; i < len(b) && start+uint64(i) < to; {
		if known[i] == 0 {
			i++
			continue
		}
		j := i
		for j < len(b) && known[j] == 1 {
			j++
		}
		g := glyph{from: start + uint64(i)}
		n := 0
		if g.from > 0 && (i == 0 || known[i-1] == 0) {
			n = orphans(b[i:j])
		}
		if n > 0 {
			g.form = formTorn
		} else {
			n, g.form = char(b[i:j])
			if g.form == formBegun && start+uint64(j) < s.wrote {
				g.form = formTorn
			}
		}
		switch g.form {
		case formWhole:
			g.text = string(b[i : i+n])
		case formBegun, formBroken:
			g.text = string(utf8.RuneError)
		}
		i += n
		g.to = start + uint64(i)
		if g.to > from {
			all = append(all, g)
		}
	}
	return all
}

// char looks at the character in front of b, and says how long it is.
func char(b []byte) (int, form) {
	for n := 1; n <= len(b); n++ {
		head := b[:n]
		switch {
		case !utf8.FullRune(head):
			continue
		case utf8.Valid(head):
			return n, formWhole
		}
		return max(n-1, 1), formBroken // the last byte stands for itself
	}
	return len(b), formBegun
}

// orphans is how many bytes in front of b may be the end of a character that
// began before them.
func orphans(b []byte) int {
	n := 0
	for n < min(len(b), utf8.UTFMax-1) && !utf8.RuneStart(b[n]) {
		n++
	}
	return n
}

// cut marks the characters that a boundary between reads lies within, and
// returns those boundaries that are in [from,to], in order. The boundaries are
// in order too, and each is there once.
func cut(glyphs []glyph, boundaries []uint64, from, to uint64) []uint64 {
	var cuts []uint64
	for i := range glyphs {
		g := &glyphs[i]
		for len(boundaries) > 0 && boundaries[0] <= g.from {
			boundaries = boundaries[1:]
		}
		for len(boundaries) > 0 && boundaries[0] < g.to {
			if at := boundaries[0]; g.form == formWhole || g.form == formBegun {
				g.cut = true
				if from <= at && at <= to {
					cuts = append(cuts, at)
				}
			}
			boundaries = boundaries[1:]
		}
	}
	return cuts
}
