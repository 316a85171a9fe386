package view

import (
	"math"

	"porthole/wire"
)

// row is what is kept of an event, a mark or a loss. It holds no pointer, so a
// hundred thousand of them are nothing to the garbage collector. A row stays in
// its slot of Store.rows as long as it is kept; its place in time is pos.
type row struct {
	id       uint64 // 0 for a slot that is free
	seq      uint64
	at, took int64
	from, to uint64 // of a loss, to is how many events never came
	data     uint64 // where its bytes lie in the arena
	pos      int    // its place in time; see Store.order
	line     int    // the line that shows it, or, if none does, the next one
	origin   uint32 // see origins
	word     uint32 // see words
	unsent   uint32
	unread   uint32
	rtt      uint32
	cwnd     uint32
	retrans  uint32
	kept     uint16 // bytes in the arena
	step     uint16 // its place in its burst
	flags    rowFlags
	kind     wire.Kind
	side     wire.Side
	state    wire.State
	slot     uint8 // of its pair's lifelines
}

// rowFlags is what else there is to say of a row.
type rowFlags uint8

const (
	rowApprox   rowFlags = 1 << iota // its time is of another machine's clock
	rowHadError                      // a close behind an error
	rowMark                          // no event: a label
	rowLost                          // no event: a gap
	rowHit                           // the filter lets it through
	rowShown                         // it has a line
	rowOpened                        // its burst was opened
)

// event tells whether the row is one, and no label or gap.
func (r *row) event() bool { return r.flags&(rowMark|rowLost) == 0 }

// moves tells whether the row moved bytes: only such rows are folded.
func (r *row) moves() bool { return r.kind == wire.Data || r.kind == wire.CallWrite }

func (r *row) bytes() uint64 { return r.to - r.from }

// start is when the call was made.
func (r *row) start() int64 {
	if r.kind.Call() {
		return r.at
	}
	return r.at - r.took
}

// approx tells whether its time is of another machine's clock.
func (r *row) approx() bool { return r.flags&rowApprox != 0 }

func (r *row) kernel() wire.Kernel {
	return wire.Kernel{
		State: r.state, Unsent: uint64(r.unsent), Unread: uint64(r.unread),
		RTT: uint64(r.rtt), Cwnd: uint64(r.cwnd), Retransmits: uint64(r.retrans),
	}
}

func (r *row) setKernel(k *wire.Kernel) {
	r.state, r.unsent, r.unread = k.State, narrow(k.Unsent), narrow(k.Unread)
	r.rtt, r.cwnd, r.retrans = narrow(k.RTT), narrow(k.Cwnd), narrow(k.Retransmits)
}

// narrow keeps a number of a kernel's, which has int for each of them.
func narrow(n uint64) uint32 { return uint32(min(n, math.MaxUint32)) }

// arena keeps the newest bytes of all events, within a bound. The zero value
// is ready.
type arena struct {
	b   []byte
	end uint64 // bytes ever put
}

// MaxData bounds the bytes of data that a Store keeps.
const MaxData = 16 << 20

// put copies p, which is shorter than the arena, and returns its place.
func (a *arena) put(p []byte) uint64 {
	for a.end+uint64(len(p)) > uint64(len(a.b)) && len(a.b) < MaxData {
		// It has not wrapped yet: places stay as they are.
		b := make([]byte, max(1<<16, 2*len(a.b)))
		copy(b, a.b)
		a.b = b
	}
	size := uint64(len(a.b))
	if room := size - a.end%size; room < uint64(len(p)) {
		a.end += room // no bytes are kept in two pieces
	}
	at := a.end
	copy(a.b[at%size:], p)
	a.end += uint64(len(p))
	return at
}

// get returns the n bytes at a place, nil if others lie there by now.
func (a *arena) get(at uint64, n int) []byte {
	size := uint64(len(a.b))
	if n == 0 || a.end-at > size {
		return nil
	}
	return a.b[at%size:][:n:n]
}
