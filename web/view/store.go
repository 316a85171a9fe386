// Package view is what the page knows of the sockets, and how it is laid out:
// the events in true order, which ends belong together, which write's bytes
// came in which read. It draws nothing and needs no browser; [View.Frame] packs
// what is to be drawn, once a frame.
package view

import (
	"iter"
	"sort"

	"porthole/wire"
)

// MaxRows is how many events, marks and losses a Store keeps at least; older
// ones are counted and dropped.
const MaxRows = 1 << 17

const (
	maxLate  = 4096 // rows that wait for the next layout
	maxSpare = 1024 // rows beyond MaxRows: when some go, what is left of their burst is laid out again
)

// Store keeps events in the order in which they happened, which is not quite
// that of their arrival: a call is told when it returns, and may have been
// answered by then. What came since the last look waits, sorted, until the next
// one puts it where it belongs: so that it costs little however it comes. The
// zero value is ready.
//
// A row has a slot in rows, where it stays, and a position in order, which
// changes when an earlier row is told late. Positions count from the first row
// ever, so that what is dropped changes no other's.
type Store struct {
	Dropped      uint64 // events that were too many
	DroppedBytes uint64 // that they moved
	Alike        bool   // others' connections look like the page's own

	rows  []row
	free  []uint32 // slots
	ids   []uint32 // slots, by the last bits of the id
	order []uint32 // slots, by the last bits of the position
	base  int      // the first position
	n     int
	late  []uint32 // slots by time, without a position yet
	id    uint64   // the newest

	origins origins
	words   table
	arena   arena
	pairs   pairs

	listeners []listener
	version   uint32
	fresh     uint32

	layout layout
	sieve  sieve
}

// Own is the newest connection of this page, nil before the first.
func (s *Store) Own() *Pair { return s.pairs.newest }

// Pair is the connection with that number, nil if it is not known.
func (s *Store) Pair(number int) *Pair { return s.pairs.numbers[number] }

// Client is our connection with that number, as events carry it: nil if none
// has come.
func (s *Store) Client(conn uint64) *Pair { return s.pairs.clients[conn] }

// Restart notes that another session begins. Its gateway may be another process
// and number its sockets anew; the rows stay.
func (s *Store) Restart() {
	s.pairs.restart(s.now())
	s.origins.restart()
	s.layout.stale = true // the lifelines of the sockets that were
}

// Sample keeps what the kernel says now of our connection with that number.
func (s *Store) Sample(conn uint64, client, server wire.Kernel) {
	p := s.pairs.clients[conn]
	if p == nil {
		return
	}
	if client != (wire.Kernel{}) {
		p.Client.Kernel = client
	}
	if server != (wire.Kernel{}) {
		p.Server.Kernel = server
	}
	s.version++
}

// Moved notes that a WebSocket message carried n bytes of our connection with
// that number: what the side wrote.
func (s *Store) Moved(conn uint64, side wire.Side, n int) {
	if side == wire.Client || side == wire.Server {
		s.pairs.carriedOf(conn)[side-1].add(n)
	}
}

// now is the moment of the newest row.
func (s *Store) now() (at int64) {
	if s.n > 0 {
		at = s.rows[s.slotAt(s.base+s.n-1)].at
	}
	if k := len(s.late); k > 0 {
		at = max(at, s.rows[s.late[k-1]].at)
	}
	return at
}

// Lose puts a gap behind the newest row: n events never came.
func (s *Store) Lose(n uint64) {
	if r := s.newest(); r != nil && r.flags&rowLost != 0 {
		r.to += n
		s.version++
		return
	}
	s.label(rowLost, row{to: n})
}

func (s *Store) newest() *row {
	at := s.now()
	if k := len(s.late); k > 0 && s.rows[s.late[k-1]].at == at {
		return &s.rows[s.late[k-1]]
	}
	if s.n == 0 {
		return nil
	}
	return &s.rows[s.slotAt(s.base+s.n-1)]
}

// Mark puts a label behind the newest row.
func (s *Store) Mark(key string) {
	s.label(rowMark, row{word: s.words.number(words{host: key})})
}

func (s *Store) label(kind rowFlags, r row) {
	s.room()
	r.at, r.flags = s.now(), kind|rowHit|rowShown
	s.insert(r)
}

// Add takes an event and a copy of its data. An event that it has already, it
// leaves out: a gateway that was started anew tells again what it reads in a
// server's history.
func (s *Store) Add(e wire.Event) {
	if e.Side != wire.Client && e.Side != wire.Server {
		return // no end of anything
	}
	e.To = max(e.To, e.From)
	s.room()
	at := e.At()
	o := s.origins.find(&e)
	if o != 0 && s.has(&e, o, at) {
		return
	}
	if s.n >= MaxRows && at < s.rows[s.slotAt(s.base)].at { // it would be the first to go
		s.Dropped++
		s.DroppedBytes += e.Bytes()
		s.version++
		return
	}
	var p *Pair
	if e.Listener() {
		s.listen(&e)
	} else {
		if o != 0 {
			p = s.origins.entries[o].pair.whole()
		}
		if o == 0 || e.Kind == wire.Connection {
			if q := s.pairs.of(&e); q != p {
				p, o = q, 0
			}
		}
	}
	if o == 0 {
		o = s.origins.add(&e, p, s.sieve.addresses(e.Local, e.Remote))
	}
	r := row{
		seq: e.Seq, at: at, took: e.Return - e.Start, from: e.From, to: e.To, origin: o, kind: e.Kind, side: e.Side,
	}
	if e.Code != "" || e.Syscall != "" || e.Host != "" {
		r.word = s.words.number(words{e.Code, e.Syscall, e.Host})
	}
	if n := min(len(e.Data), wire.MaxCopy); n > 0 {
		r.data, r.kept = s.arena.put(e.Data[:n]), uint16(n)
	}
	if e.Approx {
		r.flags |= rowApprox
	}
	if e.HadError {
		r.flags |= rowHadError
	}
	r.setKernel(&e.Kernel)
	s.origins.entries[o].rows++
	s.sieve.judge(s, &r, p)
	if r.flags&rowShown != 0 {
		s.fresh++
	}
	slot := s.insert(r)
	if p != nil {
		was := p.serves()
		s.note(p, slot)
		s.pairs.opened += p.serves() - was
	}
}

// has tells whether an event was told before.
func (s *Store) has(e *wire.Event, origin uint32, at int64) bool {
	for i := len(s.late) - 1; i >= 0 && s.rows[s.late[i]].at >= at; i-- {
		if s.rows[s.late[i]].same(e, &s.origins.entries[origin].source, s, at) {
			return true
		}
	}
	if s.n == 0 || s.rows[s.slotAt(s.base+s.n-1)].at < at {
		return false
	}
	for pos := s.behind(at) - 1; pos >= s.base; pos-- {
		r := &s.rows[s.slotAt(pos)]
		if r.at < at {
			break
		}
		if r.same(e, &s.origins.entries[origin].source, s, at) {
			return true
		}
	}
	return false
}

// same tells whether the row is of the event, whose source is known.
func (r *row) same(e *wire.Event, from *source, s *Store, at int64) bool {
	return r.at == at && r.kind == e.Kind && r.side == e.Side && r.took == e.Return-e.Start && r.from == e.From && r.to == e.To &&
		r.event() && s.origins.entries[r.origin].source == *from
}

// behind is the position behind all rows that are not later than a moment.
func (s *Store) behind(at int64) int {
	return s.base + sort.Search(s.n, func(i int) bool { return s.rows[s.slotAt(s.base+i)].at > at })
}

func (s *Store) slotAt(pos int) uint32 { return s.order[pos&(len(s.order)-1)] }

// at is the row at a position.
func (s *Store) at(pos int) *row { return &s.rows[s.slotAt(pos)] }

// end is behind the last position.
func (s *Store) end() int { return s.base + s.n }

// find is the slot of an event, by its id.
func (s *Store) find(id uint64) (uint32, bool) {
	if id == 0 || id > s.id || len(s.ids) == 0 {
		return 0, false
	}
	if slot := s.ids[id&uint64(len(s.ids)-1)]; s.rows[slot].id == id {
		return slot, true
	}
	// An event whose time is far ahead of all others can outlive its place.
	for slot := range s.rows {
		if s.rows[slot].id == id {
			return uint32(slot), true
		}
	}
	return 0, false
}

// pairOf is the connection of a row, nil for a listener's or none.
func (s *Store) pairOf(r *row) *Pair {
	if r.origin == 0 {
		return nil
	}
	if p := s.origins.entries[r.origin].pair; p != nil {
		return p.whole()
	}
	return nil
}

// event is a row as it came, but for the data that is not kept any more. The
// data is the store's.
func (s *Store) event(r *row) wire.Event {
	o, w := &s.origins.entries[r.origin], s.words.value(r.word)
	return wire.Event{
		Seq: r.seq, Start: r.start(), Return: r.start() + r.took, Kind: r.kind, Side: r.side, Conn: o.conn,
		Local: o.local, Remote: o.remote, From: r.from, To: r.to, Data: s.arena.get(r.data, int(r.kept)),
		Code: w.code, Syscall: w.syscall, HadError: r.flags&rowHadError != 0, Host: w.host,
		Kernel: r.kernel(), Approx: r.approx(),
	}
}

// Events are all events in order, or, if one connection is followed, what is
// shown of it. Each is good until the next. A gap is nil, and how many events
// never came.
func (s *Store) Events() iter.Seq2[*wire.Event, uint64] {
	return func(yield func(*wire.Event, uint64) bool) {
		s.merge()
		for pos := s.base; pos < s.end(); pos++ {
			switch r := s.at(pos); {
			case !s.told(r):
			case !r.event():
				if !yield(nil, r.to) {
					return
				}
			default:
				if e := s.event(r); !yield(&e, 0) {
					return
				}
			}
		}
	}
}

// told tells whether a row is among Events.
func (s *Store) told(r *row) bool {
	return r.flags&rowLost != 0 || r.event() && s.sieve.follows(s, r, s.pairOf(r))
}

// Ordinal is which of Events an event is, from 1, and so its id when they are
// loaded: a gap counts, and as one with the gap before it. It is 0 for what is
// no event among them.
func (v *View) Ordinal(id uint64) (n int) {
	s := &v.Store
	s.merge()
	gap := false
	for pos := s.base; pos < s.end(); pos++ {
		r := s.at(pos)
		if !s.told(r) {
			continue
		}
		if r.event() || !gap {
			n++
		}
		if gap = !r.event(); r.id == id && !gap {
			return n
		}
	}
	return 0
}
