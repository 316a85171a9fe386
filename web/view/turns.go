package view

import (
	"sort"

	"porthole/wire"
)

// Slots are places for the two lifelines of a pair. Pairs for which none is
// free share the last.
const (
	slots    = 4
	lastSlot = slots - 1
)

// state is what the rows up to one say of a pair's lifelines.
type state struct {
	seen, closed uint8 // bits by side
	slot         uint8
	holds        bool // the slot
}

// turns is the log of the rows that changed who holds which slot, so that all
// rows behind one of them can be laid out again.
type turns struct {
	log   []turn
	gone  int          // of log, at the front: of rows that are dropped
	head  [slots]*Pair // who held the slots before the log
	holds [slots]*Pair
}

// turn is what one row changed.
type turn struct {
	pos   int
	pair  *Pair
	was   state
	holds [slots]*Pair // from now on
}

// turn gives a row its slot. A pair has one from its first row until both ends
// are closed, as far as they have been seen by then.
func (t *turns) turn(r *row, p *Pair) {
	if p == nil {
		r.slot = 0
		return
	}
	side := uint8(1) << (r.side - 1)
	is := p.state
	is.seen |= side
	if r.kind == wire.Close {
		is.closed |= side
	}
	if is == p.state {
		r.slot = is.slot
		return
	}
	if !p.state.holds && is.seen != p.state.seen {
		is.slot, is.holds = t.free(r.at), true
		t.holds[is.slot] = p
	}
	r.slot = is.slot
	if is.holds && is.closed == is.seen {
		is.holds = false
		if t.holds[is.slot] == p {
			t.holds[is.slot] = nil
		}
	}
	t.log = append(t.log, turn{r.pos, p, p.state, t.holds})
	p.state = is
}

// free is the lowest slot that no pair holds. What was forgotten, or ended with
// its session, holds none.
func (t *turns) free(at int64) uint8 {
	for i := range uint8(lastSlot) {
		p := t.holds[i]
		if p == nil || p.lost || p.same != nil || p.gone != 0 && p.gone < at {
			return i
		}
	}
	return lastSlot
}

// undo takes back what the rows from a position on have changed.
func (t *turns) undo(pos int) {
	n := len(t.log)
	for n > t.gone && t.log[n-1].pos >= pos {
		n--
		t.log[n].pair.state = t.log[n].was
		t.log[n] = turn{}
	}
	t.log = t.log[:n]
	t.holds = t.head
	if n > t.gone {
		t.holds = t.log[n-1].holds
	}
}

// trim forgets how to take back what the rows in front of a position changed.
func (t *turns) trim(base int) {
	for t.gone < len(t.log) && t.log[t.gone].pos < base {
		t.head = t.log[t.gone].holds
		t.log[t.gone] = turn{}
		t.gone++
	}
	if t.gone > 64 && t.gone > len(t.log)/2 {
		n := copy(t.log, t.log[t.gone:])
		clear(t.log[n:])
		t.log, t.gone = t.log[:n], 0
	}
}

// at is who held the slots behind a position.
func (t *turns) at(pos int) [slots]*Pair {
	log := t.log[t.gone:]
	i := sort.Search(len(log), func(i int) bool { return log[i].pos > pos })
	if i == 0 {
		return t.head
	}
	return log[i-1].holds
}
