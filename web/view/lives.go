package view

import (
	"math"
	"sort"

	"porthole/wire"
)

// lifeStyle is how a piece of a lifeline is drawn. The order is the page's.
type lifeStyle uint8

const (
	lifeOpen lifeStyle = iota
	lifePaused
	lifeEnded
)

// Beyond so many pairs, only those near the window are looked at: what has
// lines at most so many away, and what holds slots. Many may share the last slot,
// and one holds it: of the others, those that are idle have no lifelines.
const maxNear = 64

// around are the pairs that may have lifelines or arrows in a window.
func (v *View) around(first, count int) []*Pair {
	s := &v.Store
	clear(v.near)
	near := v.near[:0]
	switch {
	case s.pairs.chosen != nil:
		near = append(near, s.pairs.chosen)
	case s.pairs.known <= maxNear:
		for p := s.pairs.front; p != nil; p = p.next {
			near = append(near, p)
		}
	case s.total() > 0:
		v.stamp++
		add := func(p *Pair) {
			if p == nil {
				return
			}
			if p = p.whole(); p.stamp != v.stamp && !p.lost {
				p.stamp = v.stamp
				near = append(near, p)
			}
		}
		from, to := max(0, first-maxNear), min(s.total(), first+count+maxNear)
		for i := from; i < to; i++ {
			add(s.pairOf(&s.rows[s.line(s.layout.first+i).slot]))
		}
		at := s.rows[s.line(s.layout.first+min(first, s.total()-1)).slot].pos
		for _, p := range s.layout.turns.at(at) {
			add(p)
		}
	}
	v.near = near
	return near
}

// y is where a row is drawn, in lines: in the middle of its line, or between
// two if none shows it.
func (s *Store) y(r *row) float64 {
	i := float64(s.lineOf(r))
	switch {
	case r.pos >= s.layout.end:
		return i + 1
	case r.flags&rowShown != 0:
		return i + .5
	}
	return i
}

// life packs the pieces of an end's lifeline in a window, and returns how many.
// It is there from the socket's birth to close.
func (s *Store) life(p *packer, pair *Pair, side wire.Side, first, count int) (n int) {
	e := pair.end(side)
	low, high := float64(first-1), float64(first+count+1)
	if e.born.is == never || e.closed.is == before {
		return 0
	}
	slot, from := pair.state.slot, math.Inf(-1)
	if e.born.is == here {
		r := &s.rows[e.born.slot]
		if r.pos >= s.layout.end {
			return 0
		}
		slot, from = r.slot, s.y(r)
	}
	if s.pairs.chosen != nil {
		slot = 0
	}
	to, closed := s.lifeEnd(pair, e)
	ended := min(s.when(&e.fin), s.when(&e.kill))
	if from >= high || to <= low {
		return 0
	}
	for at := max(from, low); at < min(to, high); n++ {
		style, till := lifeEnded, to
		if at < ended {
			var paused bool
			if paused, till = s.pausedAt(e, at); paused {
				style = lifePaused
			} else {
				style = lifeOpen
			}
			till = min(till, ended, to)
		}
		p.u8(uint8(side))
		p.u8(slot)
		p.bool(!pair.Own() && !s.Alike)
		p.u8(uint8(style))
		p.bool(closed && till == to && to <= high)
		p.f64(at)
		at = min(till, high)
		p.f64(at)
	}
	return n
}

// lifeEnd is where a lifeline ends, and whether that is at close. One that goes
// on ends below the last line.
func (s *Store) lifeEnd(pair *Pair, e *End) (to float64, closed bool) {
	if e.closed.is == here {
		if r := &s.rows[e.closed.slot]; r.pos < s.layout.end {
			return s.y(r), true
		}
	} else if pair.gone != 0 {
		if pos := s.behind(pair.gone); pos < s.layout.end { // what came of it was not told
			return float64(s.lineOf(s.at(pos))), false
		}
	}
	return float64(s.total() + 1), false
}

// when is where something happened: never, above all lines, or at a row.
func (s *Store) when(sp *spot) float64 {
	switch sp.is {
	case never:
		return math.Inf(1)
	case before:
		return math.Inf(-1)
	}
	return s.y(&s.rows[sp.slot])
}

// pausedAt tells whether an end is paused behind a place, and until where that
// is so.
func (s *Store) pausedAt(e *End, at float64) (paused bool, till float64) {
	is := func(i int) wire.Kind { return s.nth(&e.pauses, i).kind }
	i := s.nextPause(e, 0, at)
	switch {
	case i > 0:
		paused = is(i-1) == wire.CallPause
	case e.pauses.past == 0:
	case e.pauses.len() > 0:
		paused = is(0) == wire.CallResume // what was dropped was its pause()
	default:
		paused = e.paused
	}
	for i < e.pauses.len() {
		till = s.y(s.nth(&e.pauses, i))
		next := s.nextPause(e, i, till)
		if (is(next-1) == wire.CallPause) != paused {
			return paused, till
		}
		i = next
	}
	return paused, math.Inf(1)
}

// nextPause is the first pause() or resume(), from the i-th on, behind a place.
func (s *Store) nextPause(e *End, i int, at float64) int {
	return i + sort.Search(e.pauses.len()-i, func(k int) bool { return s.y(s.nth(&e.pauses, i+k)) > at })
}
