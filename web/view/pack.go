package view

import (
	"encoding/binary"
	"math"

	"porthole/wire"
)

// packer appends the fields of a frame. All numbers are little-endian; a string
// and a list have their length in front, as a u32. static/frame.js reads them.
type packer []byte

func (p *packer) u8(v uint8) { *p = append(*p, v) }

func (p *packer) u16(v uint16) { *p = binary.LittleEndian.AppendUint16(*p, v) }

func (p *packer) u32(v uint32) { *p = binary.LittleEndian.AppendUint32(*p, v) }

func (p *packer) f64(v float64) { *p = binary.LittleEndian.AppendUint64(*p, math.Float64bits(v)) }

func (p *packer) u64(v uint64) { p.f64(float64(v)) } // as all numbers of JavaScript

func (p *packer) str(s string) {
	p.u32(uint32(len(s)))
	*p = append(*p, s...)
}

func (p *packer) raw(b []byte) {
	p.u32(uint32(len(b)))
	*p = append(*p, b...)
}

func (p *packer) bool(v bool) {
	var n uint8
	if v {
		n = 1
	}
	p.u8(n)
}

// list leaves room for the length of a list; count fills it in.
func (p *packer) list() (at int) {
	p.u32(0)
	return len(*p)
}

func (p *packer) count(at int, n int) { binary.LittleEndian.PutUint32((*p)[at-4:], uint32(n)) }

func (p *packer) kernel(k *wire.Kernel) {
	p.bool(*k != wire.Kernel{})
	p.str(k.State.String())
	p.u64(k.Unsent)
	p.u64(k.Unread)
	p.u64(k.RTT)
	p.u64(k.Cwnd)
	p.u64(k.Retransmits)
}

func (p *packer) end(e *End) {
	p.bool(e.Seen)
	p.bool(e.Closed())
	p.bool(e.paused)
	p.str(e.Local)
	p.u64(e.Read)
	p.u32(uint32(e.Reads))
	p.u64(e.Wrote)
	p.u32(uint32(e.Writes))
	p.kernel(&e.Kernel)
}
