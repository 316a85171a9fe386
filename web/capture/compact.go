package capture

import (
	"encoding/binary"
	"iter"
	"strconv"

	"porthole/wire"
)

// compactVersion is the first byte of a compact capture.
const compactVersion = 1

// What an event has of what it need not have.
const (
	hasRange = 1 << iota
	hasError
	hasHost
	hasKernel
	hadError
	approx
	flagsEnd
)

// column is one field of all rows: alike things side by side compress best.
type column int

const (
	columnHead column = iota
	columnFlags
	columnSocket
	columnFrom
	columnMissing
	columnState
	columnUnsent
	columnUnread
	columnRTT
	columnCwnd
	columnRetransmits
	columnLost
	columnLength
	columnReturn
	columnTook
	columnSide
	columnConn
	columnText
	columnBytes
	columnsEnd
)

// AppendCompact appends a capture in few bytes, of which a compressor makes
// fewer yet, so that a link holds it. All of an event comes back but Seq, which
// then counts from 1. Equal rows make equal bytes.
//
// The first byte is the version. Then come the lengths of all columns, then the
// columns: uvarints (encoding/binary), but for that of bytes. A row
// takes from these columns, and there are rows until that of heads is empty:
//
//	head=0 lost                                      a gap
//	head=1+kind flags socket return took …           an event
//	  from length missing bytes                      hasRange
//	  text text                                      hasError: code, syscall
//	  text                                           hasHost
//	  state unsent unread rtt cwnd retransmits       hasKernel
//
// Socket and text are numbers of tables. The next free number adds an entry,
// which takes from more columns: side, conn, text, text (local and remote), and
// length, bytes. Text 0 is "".
//
// Return is the difference to the event before, and took that to start. From is
// the difference to where the socket's last range of the same direction ended;
// the kernel's are to its last words on the socket. Missing is how many bytes
// the data is shorter than the range and [wire.MaxCopy] allow. Differences are
// zigzag, but took, length and missing, which are never below 0.
func AppendCompact(b []byte, rows iter.Seq[Row]) []byte {
	c := newCompact()
	for r := range rows {
		head := uint64(0)
		if r.Event == nil {
			c.number(columnHead, &head)
			c.number(columnLost, &r.Lost)
			continue
		}
		head = 1 + uint64(r.Event.Kind)
		c.number(columnHead, &head)
		e := *r.Event // a copy, for its fields are what a parser would fill
		c.event(&e)
	}
	b = append(b, compactVersion)
	for _, col := range c.columns {
		b = binary.AppendUvarint(b, uint64(len(col)))
	}
	for _, col := range c.columns {
		b = append(b, col...)
	}
	return b
}

// ParseCompact reads what [AppendCompact] wrote. The events' Data points into b.
// With an [*Error] come the rows before it.
func ParseCompact(b []byte) ([]Row, error) {
	c := newCompact()
	c.parse = true
	if reason := c.split(b); reason != "" {
		return nil, &Error{0, reason}
	}
	var rows []Row
	seq := uint64(0)
	for len(c.columns[columnHead]) > 0 {
		line := len(rows) + 1
		if line > MaxRows {
			return rows, &Error{line, tooMany}
		}
		var r Row
		var head uint64
		if c.number(columnHead, &head); head == 0 {
			c.number(columnLost, &r.Lost)
		} else {
			seq++
			r.Event = &wire.Event{Seq: seq, Kind: wire.Kind(min(head-1, 1<<8-1))}
			c.event(r.Event)
			c.fail(nonsense(r.Event))
		}
		if c.reason != "" {
			return rows, &Error{line, c.reason}
		}
		rows = append(rows, r)
	}
	for _, col := range c.columns {
		if len(col) > 0 {
			return rows, &Error{len(rows) + 1, "a part of a row"}
		}
	}
	return rows, nil
}

// compact appends rows to columns, or takes them off, by the same functions.
type compact struct {
	columns [columnsEnd][]byte
	parse   bool
	reason  string // what was wrong first

	returned uint64 // the event before
	texts    []string
	sockets  []*socket

	// The numbers of the tables' entries.
	textNumbers   map[string]uint64
	socketNumbers map[socketName]uint64
}

func newCompact() *compact {
	return &compact{
		texts: []string{""}, textNumbers: map[string]uint64{"": 0},
		socketNumbers: map[socketName]uint64{},
	}
}

// split finds the columns, or says what is wrong.
func (c *compact) split(b []byte) string {
	if len(b) == 0 || b[0] != compactVersion {
		return "not a compact capture of version " + strconv.Itoa(compactVersion)
	}
	b = b[1:]
	var lengths [columnsEnd]uint64
	for i := range lengths {
		n, h := binary.Uvarint(b)
		if h <= 0 {
			return short
		}
		lengths[i], b = n, b[h:]
	}
	for i, n := range lengths {
		if n > uint64(len(b)) {
			return short
		}
		c.columns[i], b = b[:n:n], b[n:]
	}
	if len(b) > 0 {
		return "something stands behind its end"
	}
	return ""
}

// socket is an entry of the table, and what the events of one are told by.
type socket struct {
	socketName
	in, out uint64 // where the last range ended
	kernel  wire.Kernel
}

type socketName struct {
	side          wire.Side
	conn          uint64
	local, remote string
}

// event codes all of an event but its kind.
func (c *compact) event(e *wire.Event) {
	flags := flagsOf(e)
	c.number(columnFlags, &flags)
	if flags >= flagsEnd {
		c.fail("an event has something unknown")
		return
	}
	e.HadError, e.Approx = flags&hadError != 0, flags&approx != 0
	s := c.socket(socketName{e.Side, e.Conn, e.Local, e.Remote})
	e.Side, e.Conn, e.Local, e.Remote = s.side, s.conn, s.local, s.remote
	returned, took := uint64(e.Return), uint64(e.Return-e.Start)
	c.difference(columnReturn, &returned, &c.returned)
	c.number(columnTook, &took)
	e.Return, e.Start = int64(returned), int64(returned-took)
	if flags&hasRange != 0 {
		last := &s.out
		if e.Kind == wire.Data {
			last = &s.in
		}
		c.span(e, last)
	}
	if flags&hasError != 0 {
		c.text(&e.Code)
		c.text(&e.Syscall)
	}
	if flags&hasHost != 0 {
		c.text(&e.Host)
	}
	if flags&hasKernel != 0 {
		c.kernel(&e.Kernel, &s.kernel)
	}
}

func flagsOf(e *wire.Event) (flags uint64) {
	for i, has := range [...]bool{
		e.From != 0 || e.To != 0 || len(e.Data) > 0, e.Code != "" || e.Syscall != "", e.Host != "",
		e.Kernel != (wire.Kernel{}), e.HadError, e.Approx,
	} {
		if has {
			flags |= 1 << i
		}
	}
	return flags
}

// span codes the range that an event moved, and the copy of its first bytes.
func (c *compact) span(e *wire.Event, last *uint64) {
	length := e.Bytes()
	c.difference(columnFrom, &e.From, last)
	c.number(columnLength, &length)
	e.To = e.From + length
	*last = e.To
	most := min(length, wire.MaxCopy)
	missing := most - uint64(len(e.Data))
	c.number(columnMissing, &missing)
	if missing > most {
		c.fail("data is below nothing")
		return
	}
	c.bytes(&e.Data, most-missing)
}

func (c *compact) kernel(k, last *wire.Kernel) {
	state, lastState := uint64(k.State), uint64(last.State)
	c.difference(columnState, &state, &lastState)
	k.State = wire.State(min(state, 1<<8-1))
	c.difference(columnUnsent, &k.Unsent, &last.Unsent)
	c.difference(columnUnread, &k.Unread, &last.Unread)
	c.difference(columnRTT, &k.RTT, &last.RTT)
	c.difference(columnCwnd, &k.Cwnd, &last.Cwnd)
	c.difference(columnRetransmits, &k.Retransmits, &last.Retransmits)
	last.State = k.State
}

const short = "it is cut short"

func (c *compact) fail(reason string) {
	if c.reason == "" {
		c.reason = reason
	}
}

func (c *compact) number(in column, v *uint64) {
	b := c.columns[in]
	if !c.parse {
		c.columns[in] = binary.AppendUvarint(b, *v)
		return
	}
	x, n := binary.Uvarint(b)
	if n <= 0 {
		c.fail(short)
		return
	}
	*v, c.columns[in] = x, b[n:]
}

// bytes codes n bytes, of which a parser makes no copy; none are nil.
func (c *compact) bytes(v *[]byte, n uint64) {
	b := c.columns[columnBytes]
	switch {
	case !c.parse:
		c.columns[columnBytes] = append(b, *v...)
	case n > uint64(len(b)):
		c.fail(short)
	case n > 0:
		*v, c.columns[columnBytes] = b[:n:n], b[n:]
	}
}

// difference codes how v differs from last, which it is then.
func (c *compact) difference(in column, v, last *uint64) {
	d := int64(*v - *last)
	zigzag := uint64(d<<1) ^ uint64(d>>63)
	c.number(in, &zigzag)
	*v = *last + (zigzag>>1 ^ -(zigzag & 1))
	*last = *v
}

func (c *compact) text(v *string) {
	number, known := c.textNumbers[*v]
	if !known {
		number = uint64(len(c.texts))
	}
	if !c.entry(columnText, &number, len(c.texts)) {
		*v = c.texts[number]
		return
	}
	length, b := uint64(len(*v)), []byte(*v)
	c.number(columnLength, &length)
	c.bytes(&b, length)
	*v = string(b)
	c.texts = append(c.texts, *v)
	c.textNumbers[*v] = number
}

func (c *compact) socket(name socketName) *socket {
	number, known := c.socketNumbers[name]
	if !known {
		number = uint64(len(c.sockets))
	}
	if !c.entry(columnSocket, &number, len(c.sockets)) {
		return c.sockets[number]
	}
	side := uint64(name.side)
	c.number(columnSide, &side)
	name.side = wire.Side(min(side, 1<<8-1))
	c.number(columnConn, &name.conn)
	c.text(&name.local)
	c.text(&name.remote)
	s := &socket{socketName: name}
	c.sockets = append(c.sockets, s)
	c.socketNumbers[name] = number
	return s
}

// entry codes a number of a table of so many entries, and tells whether it adds
// one.
func (c *compact) entry(in column, number *uint64, entries int) bool {
	c.number(in, number)
	if *number > uint64(entries) {
		c.fail("an entry is not in its table")
	}
	return *number >= uint64(entries)
}
