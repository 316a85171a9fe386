package view

import (
	"math"
	"unicode/utf8"

	"porthole/wire"
)

// Mode is where the events come from.
type Mode uint8

// The order is the page's.
const (
	Live    Mode = iota
	Capture      // a file
	Playing      // a file, in its own time
)

// Link is the state of the WebSocket to the gateway.
type Link uint8

// The order is the page's.
const (
	Connecting Link = iota
	Open
	Lost
)

// The states of a connection, as the list has them. The order is the page's.
const (
	connClosed = iota
	connOpen
	connGone // its session was lost before it was closed
)

// Sock is the state of a TCP socket of this page's, in the words of its user.
type Sock uint8

// The order is the page's.
const (
	None    Sock = iota
	Dialing      // no answer yet
	Up
	Ended     // our side has ended
	PeerEnded // their side has ended
	Closed
	Failed
	Cut // because the gateway was lost
)

// Offers are bits for what the gateway gives beside sockets.
type Offers uint8

// The bits are the page's.
const (
	OfferEvents Offers = 1 << iota
	OfferLab
	OfferServer
	OfferUser
	OfferListen
)

// View is all that the page shows. Its owner sets the fields as things happen.
type View struct {
	Store  Store
	Mode   Mode
	Link   Link
	Retry  int64  // when the next try is, in ms of the owner's clock; 0 for none
	Code   uint16 // of the close of the WebSocket that was lost; 0 before
	Reason string // of it
	Target string
	Offers Offers
	Sock   Sock
	Unsent uint64       // bytes that the page holds because the socket takes no more
	Room   uint64       // bytes that it would hold beside those
	Why    wire.Failure // why the socket failed or broke
	Heards uint32       // texts that came from the socket
	Heard  string       // the newest

	selected uint64 // id
	near     []*Pair
	arrows   []arrow
	parts    []part // of the arrows
	stamp    uint32
}

// What a frame holds at most.
const (
	preview   = 96 // bytes of a line's text
	maxConns  = 40
	maxArrows = 400
)

// follow, as a frame's first line, asks for the last ones.
const follow = math.MaxInt32

// Frame appends what is to be drawn: the state of everything, and count lines
// from first, or the last count lines if there are not so many behind first.
// decode in static/frame.js has the fields in this order.
func (v *View) Frame(b []byte, first, count int) []byte {
	p := packer(b)
	s := &v.Store
	s.settle()
	if first >= follow && !s.layout.frozen {
		s.fresh = 0
	}
	total := s.total()
	count = max(0, min(count, total))
	first = max(0, min(first, total-count))
	g := v.group()

	v.status(&p)
	v.heads(&p)
	p.u64(s.Dropped)
	p.u64(s.DroppedBytes)
	p.u64(g.id)
	p.u32(s.fresh)
	p.u32(uint32(s.sieve.matches))
	p.u32(uint32(total))
	p.u32(uint32(first))
	p.u32(uint32(count))
	for i := first; i < first+count; i++ {
		v.line(&p, i, &g)
	}
	near := v.around(first, count)
	at, n := p.list(), 0
	for _, pair := range near {
		n += s.life(&p, pair, wire.Client, first, count)
		n += s.life(&p, pair, wire.Server, first, count)
	}
	p.count(at, n)
	arrows := v.crossing(near, first, count, &g)
	p.u32(uint32(len(arrows)))
	for i := range arrows {
		arrows[i].pack(&p)
	}
	return p
}

// status packs what the owner told.
func (v *View) status(p *packer) {
	p.u32(v.Store.version)
	p.u8(uint8(v.Mode))
	p.u8(uint8(v.Link))
	p.f64(float64(v.Retry))
	p.u16(v.Code)
	p.str(v.Reason)
	p.str(v.Target)
	p.u8(uint8(v.Offers))
	p.u8(uint8(v.Sock))
	p.u64(v.Unsent)
	p.u64(v.Room)
	p.str(v.Why.Code)
	p.str(v.Why.Phase.String())
	p.str(v.Why.Syscall)
	p.str(v.Why.Address)
	p.u32(uint32(v.Why.Port))
	p.u32(v.Heards)
	p.str(v.Heard)
}

// heads packs what is known of the connections.
func (v *View) heads(p *packer) {
	pairs := &v.Store.pairs
	shown, chosen, number := pairs.newest, 0, 0
	if pairs.chosen != nil {
		shown, chosen = pairs.chosen, pairs.chosen.Number
	}
	if shown != nil {
		number = shown.Number
	}
	p.u32(uint32(chosen))
	p.u32(uint32(number))
	var none Pair
	of := shown
	if shown == nil {
		of = &none
	}
	p.bool(of.Own())
	p.end(&of.Client)
	p.end(&of.Server)
	p.u8(uint8(v.Store.server(shown)))
	p.u32(uint32(pairs.opened))

	at, n := p.list(), 0
	for q := pairs.back; q != nil && n < maxConns; q = q.prev {
		p.u32(uint32(q.Number))
		p.bool(q.Own())
		p.u8(v.conn(q))
		p.str(q.near())
		p.str(q.address())
		n++
	}
	p.count(at, n)
}

// conn is the state of a connection in the list.
func (v *View) conn(p *Pair) uint8 {
	switch {
	case p.Gone(), v.Mode == Live && v.Link == Lost && p.Own() && p.Open() && !v.Store.Alike:
		return connGone
	case p.Open():
		return connOpen
	}
	return connClosed
}

// near is the client's address, as either end told it.
func (p *Pair) near() string {
	if p.Client.Local != "" {
		return p.Client.Local
	}
	return p.Server.Remote
}

// Flags of a line.
const (
	flagCall = 1 << iota
	flagError
	flagApprox // its time is of another machine's clock
	flagOther  // of a connection that is not this page's
	flagDim
	flagFold
	flagOpened
	flagSelected
	flagGroup
	flagMark
	flagLost
)

func (v *View) line(p *packer, i int, g *group) {
	s := &v.Store
	ln := s.line(s.layout.first + i)
	r := &s.rows[ln.slot]
	pair := s.pairOf(r)
	gap := -1.0
	if i > 0 && r.event() {
		gap = float64(r.at-s.rows[s.line(s.layout.first+i-1).slot].at) / 1e3
	}
	number := 0
	if pair != nil {
		number = pair.Number
	}
	flags := r.flagged(ln)
	if pair != nil && !pair.Own() && !s.Alike {
		flags |= flagOther
	}
	flags |= g.flags(s, ln, r, pair)

	p.u64(r.id)
	p.f64(gap)
	p.u8(uint8(r.side))
	p.u16(flags)
	p.u8(s.slot(r))
	p.u32(uint32(number))
	p.u32(uint32(ln.n))
	p.u32(uint32(s.peers(r)))
	p.u64(ln.bytes)
	p.u64(r.from)
	p.str(r.kind.String())
	p.str(s.word(r, pair))
	p.str(r.state.String())
	p.raw(start(s.arena.get(r.data, int(r.kept)), r.bytes()))
}

// slot is where a row's lifelines are: the followed pair is alone.
func (s *Store) slot(r *row) uint8 {
	if s.pairs.chosen != nil {
		return 0
	}
	return r.slot
}

func (r *row) flagged(ln *line) (f uint16) {
	if r.kind.Call() {
		f |= flagCall
	}
	if r.kind == wire.Error || r.flags&rowHadError != 0 {
		f |= flagError
	}
	if r.approx() {
		f |= flagApprox
	}
	if ln.hits == 0 {
		f |= flagDim
	}
	if ln.flags&lineFold != 0 {
		f |= flagFold
	}
	if ln.flags&lineOpened != 0 {
		f |= flagOpened
	}
	if r.flags&rowMark != 0 {
		f |= flagMark
	}
	if r.flags&rowLost != 0 {
		f |= flagLost
	}
	return f
}

// start is what a line shows of its bytes, as they are: the page decodes them as
// Node's toString does. A character that only the line cuts is left out.
func start(data []byte, bytes uint64) []byte {
	data = data[:min(len(data), preview)]
	if uint64(len(data)) < bytes {
		for i := 1; i <= len(data) && i < utf8.UTFMax; i++ {
			if tail := data[len(data)-i:]; utf8.RuneStart(tail[0]) {
				if !utf8.FullRune(tail) {
					data = data[:len(data)-i]
				}
				break
			}
		}
	}
	return data
}

// word is the one word that an event without bytes has to say.
func (s *Store) word(r *row, p *Pair) string {
	var from source
	if r.origin != 0 {
		from = s.origins.entries[r.origin].source
	}
	switch {
	case r.flags&rowMark != 0, r.kind == wire.Lookup:
		return s.words.value(r.word).host
	case r.kind == wire.Listening:
		return from.local
	case r.kind == wire.Error:
		return s.words.value(r.word).code
	case r.flags&rowHadError != 0:
		return "hadError=true"
	case r.kind == wire.Drop, r.kind == wire.Connection && p != nil && !p.Own():
		return from.remote
	}
	return ""
}
