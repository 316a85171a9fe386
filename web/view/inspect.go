package view

import (
	"sort"

	"porthole/wire"
)

// Bounds on what is shown of an event's bytes.
const (
	columns   = 64 // bytes side by side
	maxListed = 64 // writes, and as many reads
	maxSilent = 64 // rows of a kernel that told nothing
)

// Inspect appends what there is to see of the selected event: the bytes that it
// moved, as they were written and as they were read, from first on, which is an
// offset in their stream; the characters in them, and the messages that a lens
// finds. Of the first event of a fold, the bytes are all that the fold moved, and
// the writes and reads all that did; when the burst is opened, it is one event
// again. If nothing is selected, or it is gone, there is a single 0.
// decodeInspect in static/frame.js has the fields in this order.
func (v *View) Inspect(b []byte, lens Lens, first uint64) []byte {
	p := packer(b)
	s := &v.Store
	s.settle()
	slot, ok := s.find(v.selected)
	p.bool(ok)
	if !ok {
		return p
	}
	if lens > Length {
		lens = UTF8
	}
	r := &s.rows[slot]
	pair := s.pairOf(r)
	way, moved := s.moved(r)
	p.event(s, r, pair, way.writer)
	p.kernels(s, r, pair)
	x := exchange{known: true}
	if moved {
		x = s.exchange(r, pair, &way, lens, first)
	}
	p.exchange(s, &x, pair)
	p.u8(uint8(lens))
	p.bool(x.known)
	p.u32(uint32(len(x.frames)))
	for _, f := range x.frames {
		p.u64(f.from)
		p.u64(f.to)
		p.bool(f.whole)
		p.str(f.text)
	}
	return p
}

// exchange is what there is to see of a stretch: the writes and the reads that
// had its bytes.
type exchange struct {
	stretch
	first, last uint64 // shown
	in          *stream
	since       int64     // the first write
	inAll       [2]int    // writes and reads; 0 writes if some of them are not known
	shown       [2][]*row // writes and reads with bytes that are shown
	glyphs      []glyph
	cuts        []uint64
	frames      []framed
	known       bool // all frames are
}

func (s *Store) exchange(r *row, pair *Pair, way *stretch, lens Lens, first uint64) exchange {
	x := exchange{stretch: *way, in: s.stream(pair, way.flow), since: r.at}
	x.first = min(max(first, way.from), way.to-1)
	x.last = x.first + min(columns, way.to-x.first)
	for k, run := range []*run{way.writes, way.reads} {
		i, j := s.overlap(run, way.from, way.to)
		if x.inAll[k] = j - i; k == 0 && i < j {
			x.since = s.nth(run, i).at
			x.inAll[k] = s.writesOf(way)
		}
		i, j = s.overlap(run, x.first, x.last)
		for _, slot := range run.slots[run.gone:][i:min(j, i+maxListed)] {
			x.shown[k] = append(x.shown[k], &s.rows[slot])
		}
	}

	x.glyphs = x.in.glyphs(x.first, x.last)
	x.cuts = cut(x.glyphs, s.boundaries(way.reads, x.glyphs), x.first, x.last)
	x.frames, x.known = x.in.frames(lens, &pair.marks[way.writer-1], x.first, x.last)
	return x
}

// exchange packs one without its frames.
func (p *packer) exchange(s *Store, x *exchange, pair *Pair) {
	p.u8(uint8(x.writer))
	p.u64(x.from)
	p.u64(x.to)
	p.u64(x.first)
	var bytes, known []byte
	if x.in != nil {
		bytes, known = x.in.window(x.first, x.last)
	}
	p.raw(bytes)
	p.raw(known)
	p.u32(uint32(x.inAll[0]))
	p.u32(uint32(x.inAll[1]))
	for _, rows := range x.shown {
		p.u32(uint32(len(rows)))
		for _, r := range rows {
			p.u64(r.id)
			p.u64(r.from)
			p.u64(r.to)
			p.f64(float64(r.at-x.since) / 1e3)
			p.f64(float64(r.took) / 1e3)
			p.u32(messageOf(r, pair, x.writer))
			p.raw(start(s.dataOf(r), r.bytes()))
		}
	}
	p.u32(uint32(len(x.glyphs)))
	for _, g := range x.glyphs {
		p.u64(g.from)
		p.u64(g.to)
		p.bool(g.cut)
		p.str(g.text)
	}
	p.u32(uint32(len(x.cuts)))
	for _, at := range x.cuts {
		p.u64(at)
	}
}

// event packs what the row itself says.
func (p *packer) event(s *Store, r *row, pair *Pair, writer wire.Side) {
	var o source
	if r.event() {
		o = s.origins.entries[r.origin].source
	}
	w := s.words.value(r.word)
	p.u64(r.id)
	p.str(r.kind.String())
	p.u8(uint8(r.side))
	var number, message uint32
	if pair != nil {
		number, message = uint32(pair.Number), messageOf(r, pair, writer)
	}
	p.u32(number)
	p.f64(float64(r.took) / 1e3)
	p.bool(r.approx())
	p.str(o.local)
	p.str(o.remote)
	p.str(w.code)
	p.str(w.syscall)
	p.str(w.host)
	p.u32(message)
}

// messageOf is the number of the WebSocket message with a row's first byte: at
// our end of the stream there is one.
func messageOf(r *row, pair *Pair, writer wire.Side) uint32 {
	if r.side != wire.Client || r.to <= r.from {
		return 0
	}
	return pair.message(writer, r.from)
}

// kernels packs what the kernels of both ends said last when the row happened,
// and the id of the newer row of the two.
func (p *packer) kernels(s *Store, r *row, pair *Pair) {
	var ends [2]wire.Kernel
	var id uint64
	if pair != nil {
		var newest *row
		for i, e := range []*End{&pair.Client, &pair.Server} {
			k := s.lastWord(e, r, pair.end(r.side) == e)
			if k == nil {
				continue
			}
			ends[i] = k.kernel()
			if newest == nil || k.after(newest) {
				newest = k
			}
		}
		if newest != nil {
			id = newest.id
		}
	}
	p.u64(id)
	p.kernel(&ends[0])
	p.kernel(&ends[1])
}

// lastWord is the newest row of an end with which its kernel told something, not
// after another row, which may be the end's own; nil if none is kept.
func (s *Store) lastWord(e *End, until *row, own bool) (newest *row) {
	consider := func(r *row) bool {
		if r.kernel() == (wire.Kernel{}) || r.after(until) {
			return false
		}
		if newest == nil || r.after(newest) {
			newest = r
		}
		return true
	}
	if own && consider(until) {
		return newest
	}
	for _, run := range []*run{&e.reads, &e.writes, &e.pauses} {
		i := sort.Search(run.len(), func(i int) bool { return s.nth(run, i).after(until) })
		for stop := max(0, i-maxSilent); i > stop && !consider(s.nth(run, i-1)); {
			i--
		}
	}
	for _, sp := range []*spot{&e.born, &e.fin, &e.kill, &e.over, &e.broke, &e.closed} {
		if sp.is == here {
			consider(&s.rows[sp.slot])
		}
	}
	return newest
}

// after tells whether a row is behind another in time.
func (r *row) after(o *row) bool { return r.at > o.at || r.at == o.at && r.id > o.id }

// stream is what is kept of a flow's bytes. Each was copied when it was written,
// and again when it was read, if it was one of the first of the call.
func (s *Store) stream(pair *Pair, way flow) *stream {
	writer, reader := pair.end(way.writer), pair.end(opposite(way.writer))
	st := &stream{wrote: max(writer.Wrote, reader.Read), read: reader.Read}
	if !reader.Seen {
		st.read = st.wrote // nobody tells
	}
	st.kept = func(at uint64) (uint64, []byte) {
		for _, run := range []*run{way.writes, way.reads} {
			for i, j := s.overlap(run, at, at+1); i < j; i++ {
				r := s.nth(run, i)
				if b := s.dataOf(r); at-r.from < uint64(len(b)) {
					return r.from, b
				}
			}
		}
		return 0, nil
	}
	return st
}

// boundaries are where reads began and ended around characters, in order.
func (s *Store) boundaries(reads *run, glyphs []glyph) (all []uint64) {
	if len(glyphs) == 0 {
		return nil
	}
	note := func(at uint64) {
		if n := len(all); n == 0 || all[n-1] < at {
			all = append(all, at)
		}
	}
	i, j := s.overlap(reads, glyphs[0].from, glyphs[len(glyphs)-1].to)
	for ; i < j; i++ {
		r := s.nth(reads, i)
		note(r.from)
		note(r.to)
	}
	return all
}

// dataOf is what is kept of a row's bytes.
func (s *Store) dataOf(r *row) []byte {
	b := s.arena.get(r.data, int(r.kept))
	return b[:min(uint64(len(b)), r.bytes())]
}
