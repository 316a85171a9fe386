package view

import (
	"slices"

	"porthole/wire"
)

// Select marks an event and its matches; 0 marks none. The first event of a fold
// stands for all of it.
func (v *View) Select(id uint64) { v.selected = id }

// Freeze lets the lines stay as they are while events go on coming.
func (v *View) Freeze(on bool) {
	s := &v.Store
	s.settle()
	if on && !s.layout.frozen {
		s.fresh = 0
	}
	s.layout.frozen = on
}

// Toggle opens or closes the burst of an event, if it has folds.
func (v *View) Toggle(id uint64) {
	s := &v.Store
	s.settle()
	slot, ok := s.find(id)
	if !ok || !s.rows[slot].moves() || s.rows[slot].pos >= s.layout.end {
		return
	}
	r := &s.rows[slot]
	pos := max(s.base, r.pos-int(r.step))
	b := burst{pos: pos, stop: s.burst(pos), which: otherTally}
	if s.count(&b); !b.folds {
		return
	}
	for i := pos; i < b.stop; i++ {
		if b.opened {
			s.at(i).flags &^= rowOpened
		} else {
			s.at(i).flags |= rowOpened
		}
	}
	s.layout.from = min(s.layout.from, pos)
}

// Clear forgets all events.
func (v *View) Clear() {
	was := &v.Store
	v.Store = Store{id: was.id, version: was.version + 1}
	v.Store.sieve.filter, v.Store.sieve.lower, v.Store.sieve.text = was.sieve.filter, was.sieve.lower, was.sieve.text
	v.Store.sieve.names = was.sieve.names
	v.selected = 0
	clear(v.near[:cap(v.near)])
}

// Line is the index of the line that shows an event, or of the nearest.
func (v *View) Line(id uint64) int {
	s := &v.Store
	s.settle()
	slot, ok := s.find(id)
	if !ok {
		return 0 // it was dropped: it was before all others
	}
	return max(0, min(s.lineOf(&s.rows[slot]), s.total()-1))
}

// Step returns the event of the line that is n lines further than an event's,
// or of the first or last line. From no event, it is the last line's.
func (v *View) Step(id uint64, n int) uint64 {
	s := &v.Store
	s.settle()
	total := s.total()
	if total == 0 {
		return id
	}
	i := total - 1
	if _, ok := s.find(id); ok {
		at := v.Line(id)
		i = max(0, min(at+max(-total, min(n, total)), total-1))
	}
	return s.rows[s.line(s.layout.first+i).slot].id
}

// Travel follows an arrow. Towards the reads, it goes from a write to its first
// read, and on to the read after that with bytes of the same write. Towards the
// writes, it goes from a read to its last write, and back to the write before
// that with bytes in the same read. So it goes from end() to the peer's end, and
// from reset() to its error, and back. Where there is none, it stays. Where it
// comes to a fold, that is to the first event, which stands for all.
func (v *View) Travel(id uint64, reads bool) uint64 {
	s := &v.Store
	s.settle()
	slot, ok := s.find(id)
	if !ok {
		return id
	}
	if to, ok := s.travel(&s.rows[slot], reads); ok {
		return s.first(&s.rows[to]).id
	}
	return id
}

func (s *Store) travel(r *row, reads bool) (uint32, bool) {
	f, ok := s.moved(r)
	if !ok {
		return s.partner(r, reads)
	}
	call := r.kind == wire.CallWrite
	peers := f.peersOf(r.kind)
	i, j := s.overlap(peers, f.from, f.to)
	switch {
	case i == j:
		return 0, false
	case call && reads:
		return peers.slot(i), true
	case !call && !reads:
		return peers.slot(j - 1), true
	case call: // the write before it, if the first of its reads has bytes of that
		k, _ := s.overlap(f.writes, f.from, f.to)
		if first := s.first(s.nth(peers, i)); k > 0 && s.nth(f.writes, k-1).to > first.from {
			return f.writes.slot(k - 1), true
		}
	default: // the read behind it, if it has bytes of the last of its writes
		_, k := s.overlap(f.reads, f.from, f.to)
		if last, _ := s.moved(s.first(s.nth(peers, j-1))); k < f.reads.len() && s.nth(f.reads, k).from < last.to {
			return f.reads.slot(k), true
		}
	}
	return 0, false
}

// signal is what the end of a stream, or its breaking, was and what it led to:
// two slots.
type signal struct {
	kind     arrowKind
	from, to uint32
	ok       bool
}

// signals are how one end's end() or reset() came to the other.
func (s *Store) signals(p *Pair, side wire.Side) [2]signal {
	e, peer := p.end(side), p.end(opposite(side))
	var all [2]signal
	from := e.fin
	if from.is == never && e.kill.is == here && s.rows[e.kill.slot].kind == wire.CallDestroy {
		from = e.kill
	}
	if from.is == here && peer.over.is == here {
		all[0] = signal{arrowEnd, from.slot, peer.over.slot, true}
	}
	if e.kill.is == here && peer.broke.is == here && s.rows[e.kill.slot].at <= s.rows[peer.broke.slot].at {
		all[1] = signal{arrowReset, e.kill.slot, peer.broke.slot, true}
	}
	return all
}

// partner is the other end of a signal.
func (s *Store) partner(r *row, forth bool) (uint32, bool) {
	p := s.pairOf(r)
	if p == nil {
		return 0, false
	}
	side := r.side
	if !forth {
		side = opposite(side)
	}
	for _, sg := range s.signals(p, side) {
		switch {
		case !sg.ok:
		case forth && s.rows[sg.from].id == r.id:
			return sg.to, true
		case !forth && s.rows[sg.to].id == r.id:
			return sg.from, true
		}
	}
	return 0, false
}

// group is the selected event, or fold, and its matches.
type group struct {
	id       uint64
	slot     uint32
	pair     *Pair
	writer   wire.Side // 0 if it moved no bytes
	kind     wire.Kind
	from, to uint64
	partners [2]uint32 // of a signal
	signals  int
}

func (v *View) group() group {
	s := &v.Store
	slot, ok := s.find(v.selected)
	if !ok {
		v.selected = 0
		return group{}
	}
	r := &s.rows[slot]
	g := group{id: r.id, slot: slot, pair: s.pairOf(r), kind: r.kind}
	if f, ok := s.moved(r); ok {
		g.writer, g.from, g.to = f.writer, f.from, f.to
		return g
	}
	for _, forth := range []bool{true, false} {
		if to, ok := s.partner(r, forth); ok {
			g.partners[g.signals] = to
			g.signals++
		}
	}
	return g
}

// flags tells whether a line shows some of the group.
func (g *group) flags(s *Store, ln *line, r *row, p *Pair) uint16 {
	if g.id == 0 {
		return 0
	}
	if sel := &s.rows[g.slot]; s.drawn(sel) && s.line(sel.line) == ln {
		return flagSelected | flagGroup
	}
	if slices.Contains(g.partners[:g.signals], ln.slot) {
		return flagGroup
	}
	if g.writer == 0 || p != g.pair || !r.moves() || r.kind == g.kind || r.side == s.rows[g.slot].side {
		return 0
	}
	if r.from < g.to && s.rows[ln.last].to > g.from {
		return flagGroup
	}
	return 0
}

// touches tells whether bytes of a flow are the group's.
func (g *group) touches(p *Pair, writer wire.Side, from, to uint64) bool {
	return g.id != 0 && g.writer == writer && g.pair == p && from < g.to && to > g.from
}

// peers is, by a line's first row, how many writes the line's reads have bytes
// of, or how many reads took its writes; 0 if that is not known.
func (s *Store) peers(r *row) int {
	f, ok := s.moved(r)
	switch {
	case !ok:
		return 0
	case r.kind == wire.Data:
		return s.writesOf(&f)
	}
	i, j := s.overlap(f.reads, f.from, f.to)
	return j - i
}

// writesOf is how many writes a stretch is of, or 0 if some of them are not
// known.
func (s *Store) writesOf(f *stretch) int {
	i, j := s.overlap(f.writes, f.from, f.to)
	if i == j || s.nth(f.writes, i).from > f.from || s.nth(f.writes, j-1).to < f.to {
		return 0
	}
	return j - i
}
