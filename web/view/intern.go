package view

import "porthole/wire"

// words are the rare strings of an event. A mark's key is its host.
type words struct{ code, syscall, host string }

// table gives words that many rows share a small number, and forgets those that
// no row has any more. Number 0 is no words. The zero table is ready.
type table struct {
	entries []entry
	free    []uint32
	numbers map[words]uint32
}

type entry struct {
	words
	rows int
}

// number counts a row that has the value.
func (t *table) number(v words) uint32 {
	if v == (words{}) {
		return 0
	}
	n, ok := t.numbers[v]
	if !ok {
		if t.numbers == nil {
			t.numbers = map[words]uint32{}
			t.entries = make([]entry, 1)
		}
		if last := len(t.free) - 1; last >= 0 {
			n, t.free = t.free[last], t.free[:last]
		} else {
			n, t.entries = uint32(len(t.entries)), append(t.entries, entry{})
		}
		t.entries[n].words = v
		t.numbers[v] = n
	}
	t.entries[n].rows++
	return n
}

func (t *table) value(n uint32) (v words) {
	if n == 0 {
		return v
	}
	return t.entries[n].words
}

// drop discounts a row.
func (t *table) drop(n uint32) {
	if n == 0 {
		return
	}
	e := &t.entries[n]
	if e.rows--; e.rows > 0 {
		return
	}
	delete(t.numbers, e.words)
	*e = entry{}
	t.free = append(t.free, n)
}

// source is what all events of one end have in common.
type source struct {
	local, remote string
	conn          uint64
	side          wire.Side
}

func sourceOf(e *wire.Event) source { return source{e.Local, e.Remote, e.Conn, e.Side} }

// origins are the sources of the rows, and the pairs that they belong to. They
// are few: one or two for each end. Number 0 is for what has none.
type origins struct {
	entries []origin
	free    []uint32
	numbers map[source]uint32
	recent  [3]uint32 // by side: most events are of the end that the last one was of
}

type origin struct {
	source
	rows int
	pair *Pair // nil for a listener
	hit  bool  // the filter's text is in its addresses
}

// find is the number of a source, 0 if it is not known.
func (t *origins) find(e *wire.Event) uint32 {
	if n := t.recent[e.Side%3]; n != 0 && t.entries[n].is(e) {
		return n
	}
	n := t.numbers[sourceOf(e)]
	t.recent[e.Side%3] = n
	return n
}

func (o *origin) is(e *wire.Event) bool {
	return o.rows > 0 && o.conn == e.Conn && o.side == e.Side && o.local == e.Local && o.remote == e.Remote
}

// add makes a source known, for a pair: when an address pair comes back, its
// new number replaces the old.
func (t *origins) add(e *wire.Event, p *Pair, hit bool) uint32 {
	if t.numbers == nil {
		t.numbers = map[source]uint32{}
		t.entries = make([]origin, 1)
	}
	var n uint32
	if last := len(t.free) - 1; last >= 0 {
		n, t.free = t.free[last], t.free[:last]
	} else {
		n, t.entries = uint32(len(t.entries)), append(t.entries, origin{})
	}
	t.entries[n] = origin{source: sourceOf(e), pair: p, hit: hit}
	t.numbers[t.entries[n].source] = n
	t.recent[e.Side%3] = n
	return n
}

// drop discounts a row.
func (t *origins) drop(n uint32) {
	if n == 0 {
		return
	}
	o := &t.entries[n]
	if o.rows--; o.rows > 0 {
		return
	}
	t.forget(n)
	*o = origin{}
	t.free = append(t.free, n)
}

// forget lets no more rows be of the source.
func (t *origins) forget(n uint32) {
	if s := t.entries[n].source; t.numbers[s] == n {
		delete(t.numbers, s)
	}
	for i := range t.recent {
		if t.recent[i] == n {
			t.recent[i] = 0
		}
	}
}

// restart forgets the page's own numbers, which another session gives anew.
func (t *origins) restart() {
	for s, n := range t.numbers {
		if s.side == wire.Client {
			t.forget(n)
		}
	}
}
