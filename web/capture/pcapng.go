package capture

import (
	"encoding/binary"
	"iter"
	"strconv"

	"porthole/wire"
)

// Blocks, options and values of a pcapng file (draft-ietf-opsawg-pcapng §4).
const (
	blockSection   = 0x0A0D0D0A
	blockInterface = 1
	blockPacket    = 6

	optionEnd         = 0
	optionComment     = 1
	optionApplication = 4 // of a section
	optionName        = 2 // of an interface
	optionResolution  = 9
	optionFlags       = 2 // of a packet
	optionDropped     = 4

	byteOrder   = 0x1A2B3C4D
	nanoseconds = 9
	inbound     = 1
	outbound    = 2
)

// linkUpperPDU is LINKTYPE_WIRESHARK_UPPER_PDU: a packet is a list of tags, and
// behind them the bytes of an application, without headers of lower layers.
const linkUpperPDU = 252

// Tags, as Wireshark's wsutil/exported_pdu_tlvs.h has them.
const (
	tagEnd       = 0
	tagDissector = 12
	tagSource4   = 20
	tagTarget4   = 21
	tagSource6   = 22
	tagTarget6   = 23
	tagPortType  = 24
	tagSource    = 25
	tagTarget    = 26
	tagProtocol  = 33 // text of the packet list's column
	tagInfo      = 36

	portTCP = 2
)

// AppendPcapng appends a pcapng file for Wireshark. The sockets of each side
// are an interface. Each event is a packet at its moment, with a comment that
// tells it in words; one that moved bytes holds those that were copied, and
// says how many there were. TCP sockets have addresses and ports; there are no
// headers, for no one has seen any. A gap is a packet with a drop count.
func AppendPcapng(b []byte, rows iter.Seq[Row]) []byte {
	p := pcapng{b}
	p.section()
	p.sockets("client sockets")
	p.sockets("server sockets")
	for _, m := range ordered(rows) {
		p.packet(m)
	}
	return p.b
}

// pcapng is a file under way. Its numbers are little-endian, those within tags
// big-endian.
type pcapng struct{ b []byte }

func (p *pcapng) u16(v uint16) { p.b = binary.LittleEndian.AppendUint16(p.b, v) }
func (p *pcapng) u32(v uint32) { p.b = binary.LittleEndian.AppendUint32(p.b, v) }
func (p *pcapng) u64(v uint64) { p.b = binary.LittleEndian.AppendUint64(p.b, v) }

// block appends a block, whose length stands at both of its ends.
func (p *pcapng) block(kind uint32, body func()) {
	p.u32(kind)
	at := len(p.b)
	p.u32(0)
	body()
	p.u16(optionEnd)
	p.u16(0)
	n := uint32(len(p.b) - at + 8)
	p.u32(n)
	binary.LittleEndian.PutUint32(p.b[at:], n)
}

// pad fills up to a multiple of 32 bits what began at an index.
func (p *pcapng) pad(from int) {
	for (len(p.b)-from)%4 != 0 {
		p.b = append(p.b, 0)
	}
}

func (p *pcapng) option(code uint16, value []byte) {
	p.u16(code)
	p.u16(uint16(len(value)))
	at := len(p.b)
	p.b = append(p.b, value...)
	p.pad(at)
}

func (p *pcapng) section() {
	p.block(blockSection, func() {
		p.u32(byteOrder)
		p.u16(1) // version 1.0
		p.u16(0)
		p.u64(1<<64 - 1) // the section's length is not told
		p.option(optionApplication, []byte("Porthole"))
	})
}

func (p *pcapng) sockets(name string) {
	p.block(blockInterface, func() {
		p.u16(linkUpperPDU)
		p.u16(0)
		p.u32(0) // packets of any length
		p.option(optionName, []byte(name))
		p.option(optionResolution, []byte{nanoseconds})
	})
}

func (p *pcapng) packet(m moment) {
	p.block(blockPacket, func() {
		p.u32(m.sockets())
		p.u32(uint32(uint64(m.at) >> 32))
		p.u32(uint32(m.at))
		lengths := len(p.b)
		p.u64(0)
		at := len(p.b)
		comment := m.words()
		p.tags(m.Event, comment)
		original := uint64(len(p.b) - at)
		if e := m.Event; e != nil {
			p.b = append(p.b, e.Data...)
			original += e.Bytes()
		}
		binary.LittleEndian.PutUint32(p.b[lengths:], uint32(len(p.b)-at))
		binary.LittleEndian.PutUint32(p.b[lengths+4:], uint32(min(original, 1<<32-1)))
		p.pad(at)
		p.option(optionComment, comment)
		if m.Event == nil {
			p.option(optionDropped, binary.LittleEndian.AppendUint64(nil, m.Lost))
		} else if way := direction(m.Event); way != 0 {
			p.option(optionFlags, binary.LittleEndian.AppendUint32(nil, way))
		}
	})
}

// sockets numbers the interface of a row, 0 for a gap: no one knows whose.
func (m moment) sockets() uint32 {
	if m.Event != nil && m.Event.Side == wire.Server {
		return 1
	}
	return 0
}

// tags appends what Wireshark should know of a packet. The bytes may be of any
// protocol: it shows them as data, and can be told to decode them as another.
func (p *pcapng) tags(e *wire.Event, words []byte) {
	p.tag(tagDissector, []byte("data"))
	p.tag(tagProtocol, []byte("socket"))
	p.tag(tagInfo, words)
	if e != nil {
		source, target := e.Local, e.Remote
		if direction(e) == inbound {
			source, target = target, source
		}
		from, to := parseAddress(source), parseAddress(target)
		if from.ip != nil || to.ip != nil { // the path of a Unix socket has no tag
			p.tag(tagPortType, binary.BigEndian.AppendUint32(nil, portTCP))
		}
		p.address(from, tagSource4, tagSource6, tagSource)
		p.address(to, tagTarget4, tagTarget6, tagTarget)
	}
	p.tag(tagEnd, nil)
}

// tag appends one tag. A text is filled up with zeros, which its length counts.
func (p *pcapng) tag(kind uint16, value []byte) {
	n := (len(value) + 3) &^ 3
	p.b = binary.BigEndian.AppendUint16(p.b, kind)
	p.b = binary.BigEndian.AppendUint16(p.b, uint16(n))
	at := len(p.b)
	p.b = append(p.b, value...)
	p.pad(at)
}

// address appends one end of a TCP connection, if it is known.
func (p *pcapng) address(a address, v4, v6, port uint16) {
	if a.ip == nil {
		return
	}
	kind := v6
	if len(a.ip) == 4 {
		kind = v4
	}
	p.tag(kind, a.ip)
	p.tag(port, binary.BigEndian.AppendUint32(nil, uint32(a.port)))
}

// direction is inbound for what came from the other end, outbound for what was
// done towards it, 0 for what went neither way.
func direction(e *wire.Event) uint32 {
	switch e.Kind {
	case wire.Connection, wire.Data, wire.End:
		return inbound
	case wire.Connect, wire.CallWrite, wire.CallEnd, wire.CallReset:
		return outbound
	}
	return 0
}

// words tell all of a row that no other field of a packet holds.
func (m moment) words() []byte {
	e := m.Event
	if e == nil {
		return append(appendCount(nil, m.Lost, "event"), " lost"...)
	}
	b := appendWords(nil, e)
	if e.Listener() {
		b = append(b, " of the listener"...)
	} else {
		b = strconv.AppendUint(append(b, " of connection "...), e.Conn, 10)
	}
	if e.Return > e.Start {
		b = appendTook(append(b, ", took "...), e.Return-e.Start)
	}
	if e.Approx {
		b = append(b, ", by another machine's clock"...)
	}
	for _, a := range []struct{ name, value string }{{", local ", e.Local}, {", remote ", e.Remote}} {
		if a.value != "" {
			b = append(append(b, a.name...), visible(a.value)...)
		}
	}
	if k := &e.Kernel; *k != (wire.Kernel{}) {
		b = append(b, "; kernel:"...)
		if k.State != 0 {
			b = append(append(append(b, ' '), k.State.String()...), ',')
		}
		b = strconv.AppendUint(append(b, ' '), k.Unsent, 10)
		b = strconv.AppendUint(append(b, " unsent, "...), k.Unread, 10)
		b = append(b, " unread"...)
		if k.RTT > 0 {
			b = append(strconv.AppendUint(append(b, ", rtt "...), k.RTT, 10), " µs"...)
		}
		if k.Cwnd > 0 {
			b = append(strconv.AppendUint(append(b, ", cwnd "...), k.Cwnd, 10), " segments"...)
		}
		if k.Retransmits > 0 {
			b = appendCount(append(b, ", "...), k.Retransmits, "retransmit")
		}
	}
	return b
}
