package view

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"porthole/wire"
)

// Link is the state of the WebSocket to the gateway.
type Link uint8

// The order is the page's.
const (
	Connecting Link = iota
	Open
	Lost
)

// Sock is the state of this page's TCP socket, in the words of its user.
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
)

// View is all that the page shows. Its owner sets the fields as things happen.
type View struct {
	Store  Store
	Talk   Talk
	Link   Link
	Retry  int64 // when the next try is, in ms of the owner's clock; 0 for none
	Sock   Sock
	Why    wire.Failure // why the socket failed or broke
	Target string
	Unsent uint64 // bytes that the page holds because the socket takes no more
	Room   uint64 // bytes that it would hold beside those
}

// preview bounds the bytes of a row's text.
const preview = 96

// Frame appends what is to be drawn: the state of everything, and count rows
// from first, or the last count rows if there are not so many behind first. The
// conversation is left out if the page has it: its version is talk. All numbers
// are little-endian; a string has its length in bytes in front, as a u32.
// static/frame.js reads exactly this:
//
//	u32 version of the talk
//	u8 link, f64 retry, u8 sock, str target, f64 unsent, f64 room
//	str code, str phase, str syscall, str address, u32 port    of the failure
//	u8 lanes as they are now
//	2 × end (client, server): u8 seen, u8 closed, str local, str state,
//	    f64 read, u32 reads, f64 wrote, u32 writes
//	u32 dropped rows, u32 rows in all, u32 first, u32 count
//	count × row: f64 gap in µs (-1: none), u8 side, u8 flags, u8 lanes before,
//	    u8 lanes after, u32 number of its connection, f64 bytes, f64 from,
//	    str name, str note, str state, str data
//	u8 whether the conversation follows, and then
//	u32 lines, each: u8 side, u32 connection, f64 bytes more, str text
//
// Lanes are the two lifelines: the client's in the low four bits, the server's
// in the high. A row without a side is a gap, and its bytes are the events that
// never came.
func (v *View) Frame(b []byte, first, count int, talk uint32) []byte {
	p := packer(b)
	s := &v.Store
	p.u32(v.Talk.version)
	p.u8(uint8(v.Link))
	p.f64(float64(v.Retry))
	p.u8(uint8(v.Sock))
	p.str(v.Target)
	p.f64(float64(v.Unsent))
	p.f64(float64(v.Room))
	p.str(v.Why.Code)
	p.str(v.Why.Phase.String())
	p.str(v.Why.Syscall)
	p.str(v.Why.Address)
	p.u32(uint32(v.Why.Port))

	own := s.Own()
	if own == nil {
		own = &Pair{}
	}
	p.lanes(s.pairs.at(math.MaxInt64))
	p.end(&own.Client)
	p.end(&own.Server)

	count = max(0, min(count, s.Len()))
	first = max(0, min(first, s.Len()-count))
	p.u32(uint32(s.Dropped))
	p.u32(uint32(s.Len()))
	p.u32(uint32(first))
	p.u32(uint32(count))
	for i := first; i < first+count; i++ {
		p.row(s, i)
	}
	p.bool(talk != v.Talk.version)
	if talk != v.Talk.version {
		p.talk(&v.Talk)
	}
	return p
}

// packer appends the fields of a frame.
type packer []byte

func (p *packer) u8(v uint8)    { *p = append(*p, v) }
func (p *packer) u32(v uint32)  { *p = binary.LittleEndian.AppendUint32(*p, v) }
func (p *packer) f64(v float64) { *p = binary.LittleEndian.AppendUint64(*p, math.Float64bits(v)) }
func (p *packer) str(s string) {
	p.u32(uint32(len(s)))
	*p = append(*p, s...)
}

func (p *packer) bool(v bool) {
	var n uint8
	if v {
		n = 1
	}
	p.u8(n)
}

func (p *packer) lanes(client, server lane) { p.u8(uint8(client) | uint8(server)<<4) }

func (p *packer) end(e *End) {
	p.bool(e.Seen)
	p.bool(e.Closed())
	p.str(e.Local)
	p.str(e.Kernel.State.String())
	p.f64(float64(e.Read))
	p.u32(uint32(e.Reads))
	p.f64(float64(e.Wrote))
	p.u32(uint32(e.Writes))
}

func (p *packer) talk(t *Talk) {
	p.u32(uint32(len(t.Lines)))
	for _, l := range t.Lines {
		p.u8(uint8(l.Side))
		p.u32(uint32(l.Conn))
		p.f64(float64(l.More))
		p.str(l.Text)
	}
}

// Flags of a row.
const (
	flagCall = 1 << iota
	flagError
	flagApprox // its time is of another machine's clock
	flagOther  // of a connection that is not this page's
)

func (p *packer) row(s *Store, i int) {
	r := s.Row(i)
	gap := -1.0
	if i > 0 && r.Lost == 0 {
		gap = micros(r.At() - s.Row(i-1).At())
	}
	bytes := r.Bytes()
	if r.Lost > 0 {
		bytes = r.Lost
	}
	pair := r.Pair()
	if pair == nil {
		pair = &Pair{}
	}
	p.f64(gap)
	p.u8(uint8(r.Side))
	p.u8(flags(r))
	p.lanes(s.pairs.at(r.At() - 1))
	p.lanes(s.pairs.at(r.At()))
	p.u32(uint32(pair.Number))
	p.f64(float64(bytes))
	p.f64(float64(r.From))
	p.str(r.Kind.String())
	p.str(note(r))
	p.str(r.Kernel.State.String())
	p.str(start(r.Data, r.Bytes()))
}

func flags(r *Row) (f uint8) {
	if r.Kind.Call() {
		f |= flagCall
	}
	if r.Kind == wire.Error || r.HadError {
		f |= flagError
	}
	if r.Approx {
		f |= flagApprox
	}
	if r.other() {
		f |= flagOther
	}
	return f
}

// other tells whether the row is of a connection that is not this page's.
func (r *Row) other() bool { return r.pair != nil && !r.Pair().Client.Seen }

// start is what a row shows of its bytes, as they are: the page decodes them as
// Node's toString does. A character that only the row cuts is left out.
func start(data []byte, bytes uint64) string {
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
	return string(data)
}

func micros(ns int64) float64 { return float64(ns) / 1e3 }

// note is the one word that an event without bytes has to say.
func note(r *Row) string {
	switch {
	case r.Kind == wire.Listening:
		return r.Local
	case r.Kind == wire.Lookup:
		return r.Host
	case r.Kind == wire.Error:
		return r.Code
	case r.HadError:
		return "hadError=true"
	case r.Kind == wire.Drop, r.Kind == wire.Connection && r.other():
		return r.Remote
	}
	return ""
}
