package view

import (
	"unicode/utf8"

	"porthole/wire"
)

// Talk is what the two ends said, as text. The zero value is ready.
type Talk struct {
	Lines   []Line
	version uint32
}

// Line is what one end said until the other spoke.
type Line struct {
	Side wire.Side
	Conn uint64 // the stream it was said on
	Text string
	More int // bytes of text that are not kept
}

// What a Talk keeps. The page is given all of it whenever it changes.
const (
	maxLines = 60
	maxText  = 512 // bytes of a line
)

// Say appends text that one end said. A server's words run on, as its stream
// does; each of our messages is a line of its own.
func (t *Talk) Say(side wire.Side, conn uint64, text string) {
	if text == "" {
		return
	}
	t.version++
	n := len(t.Lines)
	if side == wire.Client || n == 0 || t.Lines[n-1].Side != side || t.Lines[n-1].Conn != conn {
		if n == maxLines {
			t.Lines = append(t.Lines[:0], t.Lines[1:]...)
			n--
		}
		t.Lines = append(t.Lines, Line{Side: side, Conn: conn})
		n++
	}
	l := &t.Lines[n-1]
	keep := min(len(text), max(0, maxText-len(l.Text)))
	for keep > 0 && keep < len(text) && !utf8.RuneStart(text[keep]) {
		keep--
	}
	if l.More > 0 {
		keep = 0 // no text behind a gap
	}
	l.Text += text[:keep]
	l.More += len(text) - keep
}
