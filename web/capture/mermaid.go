package capture

import (
	"iter"
	"strconv"

	"porthole/wire"
)

// MaxMermaid bounds a diagram, in bytes: Mermaid takes so many characters, its
// maxTextSize, where a site sets no other bound.
const MaxMermaid = 50_000

const (
	reserve = 100 // for the sentence that tells what was left out, in bytes
	excerpt = 32  // of the data of an event, in bytes
)

// AppendMermaid appends a sequence diagram for Mermaid. An arrow of bytes stands
// where they were read; the writes that they are of are notes before it, or, if
// nothing happened in between, a part of it. What only one end tells of is an
// open arrow, and what was written to an end that tells of no read, a crossed
// one. Rows that [MaxMermaid] has no room for are counted.
func AppendMermaid(b []byte, rows iter.Seq[Row]) []byte {
	d := diagram{all: ordered(rows), listeners: map[string]string{}}
	var found []*connection
	d.ends, found = connections(d.all)
	d.numbered = len(found) > 1
	d.begin()
	for i := 0; i < len(d.all); {
		next := d
		shown := next.row(i)
		if len(next.participants)+len(next.statements)+reserve > MaxMermaid {
			d.note(d.here, append(appendCount(nil, uint64(len(d.all)-i), "row"), " left out"...))
			break
		}
		d = next
		i += shown
	}
	b = append(b, "sequenceDiagram\n"...)
	return append(append(b, d.participants...), d.statements...)
}

// diagram is a sequence diagram under way.
type diagram struct {
	all       []moment
	ends      []*end // of each row
	start     int64
	numbered  bool              // there are several connections
	declared  int               // connections that have participants
	listeners map[string]string // the participant of each address
	here      string            // whom the last row was about

	participants []byte
	statements   []byte
}

// begin finds who the first event is about: a gap may stand before it.
func (d *diagram) begin() {
	for i, m := range d.all {
		if m.Event != nil {
			d.start = m.at
			d.here, _ = d.actors(i)
			return
		}
	}
	d.here = "sockets"
	d.participant(d.here, d.here)
}

// row tells a row, and those behind it that are a part of it: how many in all.
func (d *diagram) row(i int) int {
	e := d.all[i].Event
	if e == nil {
		d.note(d.here, append(appendCount(nil, d.all[i].Lost, "event"), " lost"...))
		return 1
	}
	me, peer := d.actors(i)
	d.here = me
	label := d.label(i)
	if d.arrived(i) {
		arrow := "->>"
		if e.Kind == wire.CallEnd {
			arrow = "-->>"
		}
		d.arrow(me, arrow, peer, append(d.time(append(label, " → "...), i+1), d.all[i+1].Event.Kind.String()...))
		return 2
	}
	var other *end
	if d.ends[i] != nil {
		other = d.ends[i].other()
	}
	switch e.Kind {
	case wire.CallWrite:
		switch {
		case other == nil:
			d.arrow(me, "-)", peer, label)
		case len(overlapping(other.reads, e)) == 0:
			d.arrow(me, "-x", peer, append(label, ", no read seen"...))
		default:
			d.note(me, label)
		}
	case wire.Data:
		d.arrow(peer, "->>", me, appendOrigin(label, other, e))
	case wire.CallEnd:
		d.arrow(me, "--)", peer, label)
	case wire.CallReset:
		d.arrow(me, "--x", peer, label)
	case wire.Connection:
		d.arrow(peer, "-)", me, label)
	case wire.End:
		if other == nil {
			d.arrow(peer, "-->>", me, label)
			break
		}
		d.note(me, label)
	default:
		d.note(me, label)
	}
	return 1
}

// arrived tells whether the next row is the other end's word that just what
// this row sent has come.
func (d *diagram) arrived(i int) bool {
	if i+1 == len(d.all) || d.ends[i] == nil || d.ends[i+1] != d.ends[i].other() || d.ends[i+1] == nil {
		return false
	}
	sent, came := d.all[i].Event, d.all[i+1].Event
	return sent.Kind == wire.CallEnd && came.Kind == wire.End ||
		sent.Kind == wire.CallWrite && came.Kind == wire.Data && sent.From == came.From && sent.To == came.To
}

// appendOrigin tells which writes of the other end the bytes of a read are of,
// if that is not one write alone.
func appendOrigin(label []byte, other *end, read *wire.Event) []byte {
	if other == nil {
		return label
	}
	writes := overlapping(other.writes, read)
	if len(writes) == 1 && (writes[0].From != read.From || writes[0].To != read.To) {
		return appendRange(append(label, " of write() "...), writes[0])
	}
	if len(writes) > 1 {
		return appendCount(append(label, " of "...), uint64(len(writes)), "write")
	}
	return label
}

// label tells an event: when, what, and how its bytes begin.
func (d *diagram) label(i int) []byte {
	e := d.all[i].Event
	b := appendWords(d.time(nil, i), e)
	if e.Kind == wire.Drop && e.Remote != "" {
		b = append(append(b, " of "...), visible(e.Remote)...)
	}
	if len(e.Data) > 0 {
		shown := cut(string(e.Data), excerpt)
		b = append(append(b, " “"...), visible(shown)...)
		if uint64(len(shown)) < e.Bytes() {
			b = append(b, "…"...)
		}
		b = append(b, "”"...)
	}
	return b
}

// time appends when a row was, in ms since the first event.
func (d *diagram) time(b []byte, i int) []byte {
	if d.all[i].Event.Approx {
		b = append(b, "≈"...)
	}
	µs := (d.all[i].at - d.start) / 1000
	b = strconv.AppendInt(append(b, '+'), µs/1000, 10)
	b = append(b, '.', byte('0'+µs/100%10), byte('0'+µs/10%10), byte('0'+µs%10))
	return append(b, " ms "...)
}

// actors names the participants that the event of a row is about: its own end
// and the other one, which a listener does not have.
func (d *diagram) actors(i int) (me, peer string) {
	e, s := d.all[i].Event, d.ends[i]
	if s == nil {
		return d.listener(e.Local), ""
	}
	c := s.of
	number := strconv.Itoa(c.number)
	client, server := "c"+number, "s"+number
	if c.number > d.declared { // they come in the order of their numbers
		d.declared = c.number
		if number = " " + number; !d.numbered {
			number = ""
		}
		address := s.address
		d.participant(client, "client"+number, address.client, unseen(c.client))
		d.participant(server, "server"+number, address.server, unseen(c.server))
	}
	if e.Side == wire.Server {
		return server, client
	}
	return client, server
}

func (d *diagram) listener(address string) string {
	id, ok := d.listeners[address]
	if !ok {
		id = "l" + strconv.Itoa(len(d.listeners)+1)
		d.listeners[address] = id
		d.participant(id, "listener", address)
	}
	return id
}

func unseen(e *end) string {
	if e == nil {
		return "not seen"
	}
	return ""
}

func (d *diagram) participant(id string, lines ...string) {
	b := append(append(d.participants, "    participant "...), id...)
	between := " as "
	for _, line := range lines {
		if line != "" {
			b = appendEscaped(append(b, between...), visible(line))
			between = "<br/>"
		}
	}
	d.participants = append(b, '\n')
}

func (d *diagram) note(over string, text []byte) {
	b := append(append(append(d.statements, "    Note over "...), over...), ": "...)
	d.statements = append(appendEscaped(b, string(text)), '\n')
}

func (d *diagram) arrow(from, arrow, to string, text []byte) {
	b := append(append(append(append(d.statements, "    "...), from...), arrow...), to...)
	d.statements = append(appendEscaped(append(b, ": "...), string(text)), '\n')
}

// appendEscaped appends a text of which nothing is syntax to Mermaid: what could
// be is written as an entity code, #35; for #. That a colon is one, too, keeps
// Mermaid from taking "style: …#…;" for a style, whose semicolon it removes.
func appendEscaped(b []byte, text string) []byte {
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == ' ',
			r == '.', r == ',', r == '/', r == '+', r == '-', r == '(', r == ')',
			r > '~' && r != 'ﬂ' && r != '¶': // these two are Mermaid's own marks of an entity
			b = append(b, string(r)...)
		default:
			b = append(strconv.AppendInt(append(b, '#'), int64(r), 10), ';')
		}
	}
	return b
}
