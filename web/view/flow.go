package view

import (
	"slices"
	"sort"

	"porthole/wire"
)

// run is some rows of one end, by their slots, in the order of their offsets or
// of time. Rows go at the front and come at the back. The zero value is ready.
type run struct {
	slots []uint32
	gone  int // of slots, at the front
	past  int // rows that ever went
}

func (r *run) len() int          { return len(r.slots) - r.gone }
func (r *run) slot(i int) uint32 { return r.slots[r.gone+i] }
func (r *run) last() uint32      { return r.slots[len(r.slots)-1] }

func (r *run) push(slot uint32) {
	if r.gone > 32 && r.gone > len(r.slots)/2 {
		r.slots = r.slots[:copy(r.slots, r.slots[r.gone:])]
		r.gone = 0
	}
	r.slots = append(r.slots, slot)
}

// nth is the i-th row of a run.
func (s *Store) nth(r *run, i int) *row { return &s.rows[r.slots[r.gone+i]] }

// insert puts a slot where it is the i-th.
func (r *run) insert(i int, slot uint32) {
	r.push(slot)
	at := r.slots[r.gone+i:]
	copy(at[1:], at)
	at[0] = slot
}

// remove takes a slot out: it is almost always the first.
func (r *run) remove(slot uint32) {
	i := slices.Index(r.slots[r.gone:], slot)
	switch {
	case i == 0:
		r.gone++
		r.past++
	case i > 0:
		r.slots = slices.Delete(r.slots, r.gone+i, r.gone+i+1)
	}
}

// flow is one direction of a pair: what one end wrote and the other read, in
// the order of the stream.
type flow struct {
	writer wire.Side
	writes *run
	reads  *run
}

// stretch is some bytes of a flow.
type stretch struct {
	flow
	from, to uint64
}

// flow is what an end of the pair wrote.
func (p *Pair) flow(writer wire.Side) flow {
	if writer == wire.Server {
		return flow{writer, &p.Server.writes, &p.Client.reads}
	}
	return flow{wire.Client, &p.Client.writes, &p.Server.reads}
}

// moved are the bytes that a row stands for: the first of a fold for all that
// the fold moved, another for its own.
func (s *Store) moved(r *row) (stretch, bool) {
	p, to := s.pairOf(r), r.to
	if s.drawn(r) {
		if ln := s.line(r.line); &s.rows[ln.slot] == r {
			to = max(to, s.rows[ln.last].to)
		}
	}
	if p == nil || !r.moves() || to <= r.from {
		return stretch{}, false
	}
	writer := r.side
	if r.kind == wire.Data {
		writer = opposite(writer)
	}
	return stretch{p.flow(writer), r.from, to}, true
}

func opposite(side wire.Side) wire.Side { return wire.Client + wire.Server - side }

// peersOf are the rows on the other side of a flow from a row of that kind.
func (f flow) peersOf(kind wire.Kind) *run {
	if kind == wire.CallWrite {
		return f.reads
	}
	return f.writes
}

// overlap is which rows [i,j) of a run have bytes of [from,to).
func (s *Store) overlap(r *run, from, to uint64) (i, j int) {
	i = sort.Search(r.len(), func(i int) bool { return s.nth(r, i).to > from })
	j = i + sort.Search(r.len()-i, func(k int) bool { return s.nth(r, i+k).from >= to })
	return i, j
}

// put keeps a row that moved bytes in its run, by its offset.
func (s *Store) put(r *run, slot uint32) {
	e := &s.rows[slot]
	if n := r.len(); n == 0 || s.rows[r.last()].from <= e.from {
		r.push(slot)
		return
	}
	i := sort.Search(r.len(), func(i int) bool { return s.nth(r, i).from > e.from })
	r.insert(i, slot)
}

// putInTime keeps a row in its run, by its time.
func (s *Store) putInTime(r *run, slot uint32) {
	e := &s.rows[slot]
	i := r.len()
	for i > 0 && s.nth(r, i-1).at > e.at {
		i--
	}
	r.insert(i, slot)
}

// maxMoved bounds how many messages a pair's direction remembers.
const maxMoved = 1 << 16

// carried is where the WebSocket messages of one direction of a socket ended.
type carried struct {
	ends []uint64 // in bytes of the stream
	past uint32   // messages that are forgotten
	to   uint64
}

func (c *carried) add(n int) {
	if n <= 0 {
		return
	}
	if len(c.ends) == maxMoved { // in bulk: moving them is not free
		k := copy(c.ends, c.ends[maxMoved/2:])
		c.ends = c.ends[:k]
		c.past += maxMoved / 2
	}
	c.to += uint64(n)
	c.ends = append(c.ends, c.to)
}

// message is the number, from 1, of the message that brought the byte at an
// offset; 0 if that is not known.
func (c *carried) message(offset uint64) uint32 {
	i := sort.Search(len(c.ends), func(i int) bool { return c.ends[i] > offset })
	if i == len(c.ends) || i == 0 && c.past > 0 {
		return 0
	}
	return c.past + uint32(i) + 1
}

// message is the number of the WebSocket message that carried the byte at an
// offset of what an end wrote; 0 if that is not known, as for sockets that are
// not this page's.
func (p *Pair) message(writer wire.Side, offset uint64) uint32 {
	if p.carried == nil || writer < wire.Client || writer > wire.Server {
		return 0
	}
	return p.carried[writer-1].message(offset)
}
