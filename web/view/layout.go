package view

import (
	"math"

	"porthole/wire"
)

// A burst is what follows closely upon another: rows that moved bytes, of any
// pairs, with nothing else between them. Of each end, the writes or the reads
// of a burst become one line if they are many.
const (
	burstGap = 50_000_000 // ns between two rows
	maxBurst = 4096       // rows
	maxLike  = 20         // rows of a kind that have lines of their own
)

// line is what the ladder shows in one row of equal height.
type line struct {
	slot  uint32 // of its first row
	last  uint32
	n     int32 // rows
	hits  int32 // that the filter lets through
	bytes uint64
	flags lineFlags
}

type lineFlags uint8

const (
	lineFold   lineFlags = 1 << iota
	lineOpened           // the first of a burst that would have folds
)

// layout is the lines of the rows in front of end. Lines are numbered from some
// number on; what is dropped changes no other's. Whatever order the rows came
// in, the lines are those of all rows laid out at once.
type layout struct {
	lines       []line // by the last bits of the number
	first, next int    // numbers
	from        int    // from this position on, lines are not right any more
	end         int    // behind the last row that has been laid out
	dropped     bool   // rows were, since
	stale       bool   // no line is right any more
	frozen      bool

	last  burst
	turns turns
	stamp [2]uint32 // of the tallies
}

// changed notes that rows have come to their positions.
func (s *Store) changed(slots []uint32) {
	l := &s.layout
	if len(slots) > 0 {
		l.from = min(l.from, s.rows[slots[0]].pos)
	}
	if !l.frozen {
		return
	}
	for _, slot := range slots {
		if s.rows[slot].pos < l.end {
			l.end++
		}
	}
}

// settle puts every row where it belongs. It costs what is new, and at most a
// burst or two.
func (s *Store) settle() {
	s.merge()
	l := &s.layout
	s.sieve.keep(s)
	was := l.end
	if l.end = max(l.end, s.base); !l.frozen {
		l.end = s.end()
	}
	from := max(min(l.from, was), s.base)
	if l.stale {
		from = s.base
	}
	l.turns.trim(s.base)
	if from == was && from > s.base {
		from = s.extend(from)
	}
	switch {
	case from == s.base:
		l.first = l.next
		s.lay(from, l.next)
	case from < l.end:
		r := s.at(from - 1)
		first := r.line
		if r.moves() { // what is new may belong to its burst
			from = max(s.base, from-1-int(r.step))
			if first = s.at(from).line; from == s.base {
				l.first = first
			}
		} else if r.flags&rowShown != 0 {
			first++
		}
		s.lay(from, first)
	}
	if l.dropped && from > s.base {
		s.trim()
	}
	l.from, l.dropped, l.stale = math.MaxInt, false, false
}

// lay lays out the rows from a position on, which begins a burst or is in none.
func (s *Store) lay(pos, first int) {
	l := &s.layout
	l.next = first
	l.turns.undo(pos)
	for pos < l.end {
		l.last = burst{pos: pos, stop: s.burst(pos)}
		s.count(&l.last)
		l.next = s.layBurst(&l.last, l.next, true)
		pos = l.last.stop
	}
}

// extend lays out what has come behind the last burst and belongs to it, if no
// other line of the burst changes. It returns from where on rows are to be laid
// out.
func (s *Store) extend(pos int) int {
	l := &s.layout
	b := &l.last
	if !b.counted || b.stop != pos {
		return pos
	}
	for ; pos < l.end; pos++ {
		r, before := s.at(pos), s.at(pos-1)
		if !r.moves() || r.at-before.at > burstGap || before.step == maxBurst-1 {
			break
		}
		p := s.pairOf(r)
		if p != nil && r.flags&rowShown != 0 {
			t := p.class(r, b.which)
			if t.add(b.stamp); t.n == maxLike+1 && !b.opened || t.n > maxLike && !b.folds {
				b.counted = false
				return pos
			}
		}
		l.next = s.layRow(b, r, p, l.next, before.step+1)
		l.turns.turn(r, p)
		b.stop = pos + 1
	}
	return pos
}

// burst is behind the last row of the burst that begins at a position.
func (s *Store) burst(pos int) int {
	r := s.at(pos)
	if !r.moves() {
		return pos + 1
	}
	left := maxBurst - 1
	if pos == s.base {
		left -= int(r.step) // as many were dropped
	}
	at := r.at
	for pos++; left > 0 && pos < s.layout.end; pos++ {
		r := s.at(pos)
		if !r.moves() || r.at-at > burstGap {
			break
		}
		at = r.at
		left--
	}
	return pos
}

// burst is rows of one, as they are counted.
type burst struct {
	pos, stop int
	which     int // of each pair's tallies are this burst's
	stamp     uint32
	counted   bool // if not, it is too short for folds
	folds     bool // or would have some, if it were not opened
	opened    bool
	lines     int
}

// Each pair has tallies for the last burst, which grows, and others for the
// burst that is cut at the front, or just looked at.
const (
	tailTally = iota
	otherTally
)

// tally counts the rows of a burst that one end wrote, or read.
type tally struct {
	stamp uint32
	n     int32
	line  int // where they are folded, -1 for nowhere yet
}

func (t *tally) add(stamp uint32) {
	if t.stamp != stamp {
		*t = tally{stamp: stamp, line: -1}
	}
	t.n++
}

// class is the tally of rows like this one.
func (p *Pair) class(r *row, which int) *tally {
	i := 2 * (r.side - 1)
	if r.kind == wire.CallWrite {
		i++
	}
	return &p.tally[which][i]
}

// count tallies a burst by pair, side and kind.
func (s *Store) count(b *burst) {
	if b.counted = b.stop-b.pos > maxLike; b.counted {
		s.layout.stamp[b.which]++
		b.stamp = s.layout.stamp[b.which]
	}
	shown, folded := 0, 0
	for i := b.pos; i < b.stop; i++ {
		r := s.at(i)
		if r.flags&rowOpened != 0 {
			b.opened = true
		}
		if r.flags&rowShown == 0 {
			continue
		}
		shown++
		if p := s.pairOf(r); p != nil && b.counted {
			t := p.class(r, b.which)
			switch t.add(b.stamp); {
			case t.n == maxLike+1:
				b.folds = true
				folded += maxLike
			case t.n > maxLike:
				folded++
			}
		}
	}
	if b.lines = shown; !b.opened {
		b.lines -= folded
	}
}

// layBurst gives lines to the rows of a burst, from a number on, and returns
// the number behind them. With turns, what the rows do to lifelines is noted.
func (s *Store) layBurst(b *burst, next int, turns bool) int {
	step := uint16(0)
	if r := s.at(b.pos); b.pos == s.base && r.moves() {
		step = r.step // what was before it is dropped
	}
	first := next
	for i := b.pos; i < b.stop; i++ {
		r := s.at(i)
		p := s.pairOf(r)
		next = s.layRow(b, r, p, next, step)
		if turns {
			s.layout.turns.turn(r, p)
		}
		step++
	}
	if b.folds && b.opened {
		s.line(first).flags = lineOpened
	}
	return next
}

// layRow gives a row its place in its burst, and its line: the next, whose
// number it takes and the next of which it returns, or that of its fold.
func (s *Store) layRow(b *burst, r *row, p *Pair, next int, step uint16) int {
	r.line, r.step = next, step
	shown := r.flags&rowShown != 0
	var t *tally
	if b.folds && !b.opened && p != nil {
		if t = p.class(r, b.which); t.stamp != b.stamp || t.n <= maxLike {
			t = nil
		}
	}
	if t != nil && t.line >= 0 {
		// Without a line, it is within the fold too: a run never goes back.
		r.line = t.line
		if shown {
			ln := s.line(t.line)
			ln.last = s.slotAt(r.pos)
			ln.n++
			ln.hits += r.hits()
			ln.bytes += r.bytes()
		}
		return next
	}
	if !shown {
		return next
	}
	slot := s.slotAt(r.pos)
	ln := line{slot: slot, last: slot, n: 1, hits: r.hits(), bytes: r.bytes()}
	if t != nil {
		t.line, ln.flags = next, lineFold
	}
	s.layout.put(next, ln)
	return next + 1
}

// hits is 1 if the filter lets the row through.
func (r *row) hits() int32 {
	if r.flags&rowHit != 0 {
		return 1
	}
	return 0
}

// trim takes out the lines of rows that were dropped. What is left of the first
// burst is laid out again, to end where it did.
func (s *Store) trim() {
	l := &s.layout
	if s.base >= l.end {
		l.first = l.next
		return
	}
	r := s.at(s.base)
	if l.first = r.line; r.step == 0 {
		return
	}
	b, behind := burst{pos: s.base, stop: s.base + 1, which: otherTally}, l.next
	for b.stop < l.end && s.at(b.stop).step > 0 {
		b.stop++
	}
	if b.stop < l.end {
		behind = s.at(b.stop).line
	}
	s.count(&b)
	l.first = behind - b.lines
	s.layBurst(&b, l.first, false)
}

// put keeps a line under its number.
func (l *layout) put(n int, ln line) {
	if used := max(n+1, l.next) - l.first; used > len(l.lines) {
		size := 256
		for size < used {
			size *= 2
		}
		lines := make([]line, size)
		for i := l.first; i < max(n, l.next); i++ {
			if len(l.lines) > 0 {
				lines[i&(size-1)] = l.lines[i&(len(l.lines)-1)]
			}
		}
		l.lines = lines
	}
	l.lines[n&(len(l.lines)-1)] = ln
}

// line is the line with a number.
func (s *Store) line(n int) *line { return &s.layout.lines[n&(len(s.layout.lines)-1)] }

// total is how many lines there are.
func (s *Store) total() int { return s.layout.next - s.layout.first }

// lineOf is the index of the line that shows a row, or, if none does, of the
// next one; the number of all lines if the row is behind them.
func (s *Store) lineOf(r *row) int {
	if r.pos >= s.layout.end {
		return s.total()
	}
	return r.line - s.layout.first
}

// first is the first row of the line that shows a row: of a fold, or itself.
func (s *Store) first(r *row) *row {
	if !s.drawn(r) {
		return r
	}
	return &s.rows[s.line(r.line).slot]
}

// drawn tells whether a line shows a row.
func (s *Store) drawn(r *row) bool { return r.flags&rowShown != 0 && r.pos < s.layout.end }
