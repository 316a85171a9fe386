package view

import (
	"math"
	"sort"

	"porthole/wire"
)

// arrowKind is what an arrow stands for. The order is the page's.
type arrowKind uint8

const (
	arrowBytes arrowKind = iota
	arrowEnd
	arrowReset
)

// arrow leads from the line of what one end did to that of what the other met:
// of our own connections, for of no other are both ends seen.
type arrow struct {
	kind             arrowKind
	side, slot       uint8
	group, band, dim bool
	part             int    // see thin
	from, to         int    // indexes of lines
	low, high        uint64 // the bytes that went: none of a signal
}

func (a *arrow) pack(p *packer) {
	p.u8(uint8(a.kind))
	p.u8(a.side)
	p.u8(a.slot)
	p.bool(a.group)
	p.bool(a.band)
	p.bool(a.dim)
	p.f64(float64(a.from) + .5)
	p.f64(float64(a.to) + .5)
}

// maxWalk bounds how many arrows of one flow are looked at one by one.
const maxWalk = 1024

// crossing are the arrows of some pairs that cross a window, at most maxArrows.
func (v *View) crossing(pairs []*Pair, first, count int, g *group) []arrow {
	v.arrows, v.parts = v.arrows[:0], append(v.parts[:0], part{})
	for _, p := range pairs {
		for _, side := range [...]wire.Side{wire.Client, wire.Server} {
			v.parts = append(v.parts, part{})
			v.flow(p, p.flow(side), first, first+count, g)
			for _, sg := range v.Store.signals(p, side) {
				if sg.ok {
					v.signal(sg, first, first+count, g)
				}
			}
		}
	}
	if len(v.arrows) > maxArrows {
		v.arrows = thin(v.arrows, v.parts)
	}
	return v.arrows
}

// part is arrows that have a share of maxArrows: the group's, which is the
// first, and those of each direction of each pair.
type part struct{ have, want, seen int }

// thin leaves out arrows until maxArrows are left: evenly in each part, and of
// the parts that have most. The group's stay, but for a quarter of the places if
// others need them.
func thin(all []arrow, parts []part) []arrow {
	for i := range all {
		if all[i].group {
			all[i].part = 0
		}
		parts[all[i].part].have++
	}
	group, flows := &parts[0], parts[1:]
	group.want = min(group.have, maxArrows-min(len(all)-group.have, maxArrows/4))
	left := maxArrows - group.want
	level := sort.Search(left, func(n int) bool { return atMost(flows, n+1) > left })
	left -= atMost(flows, level)
	for i := range flows {
		f := &flows[i]
		if f.want = min(f.have, level); f.want < f.have && left > 0 {
			f.want++
			left--
		}
	}
	kept := all[:0]
	for _, a := range all {
		p := &parts[a.part]
		if (p.seen+1)*p.want/p.have > p.seen*p.want/p.have {
			kept = append(kept, a)
		}
		p.seen++
	}
	return kept
}

// atMost is how many arrows there are if no part has more than n.
func atMost(parts []part, n int) (sum int) {
	for i := range parts {
		sum += min(parts[i].have, n)
	}
	return sum
}

// add keeps an arrow from a row to another, if it crosses the window [first,
// last) of lines. Between clocks that differ it is not drawn backwards: a read
// is not before its write.
func (v *View) add(a arrow, from, to *row, first, last int) {
	s := &v.Store
	if !s.drawn(from) || !s.drawn(to) {
		return
	}
	a.from, a.to = s.lineOf(from), s.lineOf(to)
	if a.to < a.from && (from.approx() || to.approx()) || max(a.from, a.to) < first || min(a.from, a.to) >= last {
		return
	}
	fl, tl := s.line(from.line), s.line(to.line)
	a.side, a.slot, a.part = uint8(from.side), s.slot(from), len(v.parts)-1
	a.band = (fl.flags|tl.flags)&lineFold != 0
	a.dim = fl.hits == 0 && tl.hits == 0
	if n := len(v.arrows); n > 0 {
		if l := &v.arrows[n-1]; l.kind == a.kind && l.from == a.from && l.to == a.to {
			l.group, l.high = l.group || a.group, max(l.high, a.high)
			return
		}
	}
	v.arrows = append(v.arrows, a)
}

func (v *View) signal(sg signal, first, last int, g *group) {
	from, to := &v.Store.rows[sg.from], &v.Store.rows[sg.to]
	v.add(arrow{kind: sg.kind, group: g.id != 0 && (from.id == g.id || to.id == g.id)}, from, to, first, last)
}

// flow adds the arrows of one direction. The lines of its writes and those of
// its reads never go back, so the arrows that cross the window are those of one
// range of offsets: from the first whose later end is not above the window, to
// the last whose earlier end is not below it.
func (v *View) flow(p *Pair, f flow, first, last int, g *group) {
	s := &v.Store
	if f.writes.len() == 0 || f.reads.len() == 0 {
		return
	}
	from := min(s.offsetAt(f.writes, first), s.offsetAt(f.reads, first))
	to := max(s.offsetAt(f.writes, last), s.offsetAt(f.reads, last))
	had := len(v.arrows)
	if v.walk(p, f, from, to, first, last, g) {
		return
	}
	v.arrows = v.arrows[:had]
	if g.pair == p && g.writer == f.writer {
		v.walk(p, f, max(from, g.from), min(to, g.to), first, last, g)
	}
	v.stride(p, f, from, to, first, last, g)
}

// offsetAt is where the first row of a run that is not above a line begins.
func (s *Store) offsetAt(r *run, line int) uint64 {
	i := sort.Search(r.len(), func(i int) bool { return s.lineOf(s.nth(r, i)) >= line })
	if i == r.len() {
		return math.MaxUint64
	}
	return s.nth(r, i).from
}

// walk adds the arrows of a range of offsets, a whole fold at a time. It is
// false if they are too many for that.
func (v *View) walk(p *Pair, f flow, from, to uint64, first, last int, g *group) bool {
	s := &v.Store
	i, j := s.reaching(f.writes, 0, from), s.reaching(f.reads, 0, from)
	for range maxWalk {
		if i == f.writes.len() || j == f.reads.len() {
			return true
		}
		w, r := s.nth(f.writes, i), s.nth(f.reads, j)
		if max(w.from, r.from) >= to {
			return true
		}
		wNext, rNext := s.alike(f.writes, i), s.alike(f.reads, j)
		wTo, rTo := s.nth(f.writes, wNext-1).to, s.nth(f.reads, rNext-1).to
		if a, b := max(w.from, r.from), min(wTo, rTo); a < b {
			v.add(arrow{kind: arrowBytes, low: a, high: b, group: g.touches(p, f.writer, a, b)}, w, r, first, last)
		}
		switch {
		case wTo < rTo:
			i, j = wNext, s.reaching(f.reads, j, wTo)
		case rTo < wTo:
			i, j = s.reaching(f.writes, i, rTo), rNext
		default:
			i, j = wNext, rNext
		}
	}
	return false
}

// reaching is the first row of a run, from the i-th on, that ends behind an
// offset.
func (s *Store) reaching(r *run, i int, offset uint64) int {
	if i < r.len() && s.nth(r, i).to > offset {
		return i
	}
	return i + sort.Search(r.len()-i, func(k int) bool { return s.nth(r, i+k).to > offset })
}

// alike is behind the rows of a run that are in the same fold as the i-th.
func (s *Store) alike(r *run, i int) int {
	e := s.nth(r, i)
	if !s.drawn(e) || s.line(e.line).flags&lineFold == 0 {
		return i + 1
	}
	return i + sort.Search(r.len()-i, func(k int) bool {
		q := s.nth(r, i+k)
		return q.line != e.line || q.pos >= s.layout.end
	})
}

// stride adds some arrows of a range of offsets, at even distances which stay
// where they are when the window moves on.
func (v *View) stride(p *Pair, f flow, from, to uint64, first, last int, g *group) {
	s := &v.Store
	many, few := f.writes, f.reads
	i, j := s.overlap(many, from, to)
	if k, l := s.overlap(few, from, to); l-k > j-i {
		many, few, i, j = few, many, k, l
	}
	step := 1
	for (j-i)/step > maxWalk/4 {
		step *= 2
	}
	for k := i + (step-(many.past+i)%step)%step; k < j; k += step {
		m := s.nth(many, k)
		l := s.reaching(few, 0, m.from)
		if l == few.len() {
			break
		}
		o := s.nth(few, l)
		a, b := max(m.from, o.from), min(m.to, o.to)
		if a >= b || g.touches(p, f.writer, a, b) { // the group's are there
			continue
		}
		w, r := m, o
		if many == f.reads {
			w, r = o, m
		}
		v.add(arrow{kind: arrowBytes, low: a, high: b}, w, r, first, last)
	}
}
