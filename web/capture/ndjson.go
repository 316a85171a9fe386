package capture

import (
	"bytes"
	"iter"
	"strconv"
	"strings"

	"porthole/wire"
)

// MaxLine bounds a line of NDJSON, in bytes. The longest that a gateway writes
// is a tenth of it.
const MaxLine = 64 << 10

// AppendNDJSON appends each row as a line of JSON (RFC 8259), as the gateway's
// /events does: the bytes are those of encoding/json.
func AppendNDJSON(b []byte, rows iter.Seq[Row]) []byte {
	for r := range rows {
		b = append(r.AppendJSON(b), '\n')
	}
	return b
}

// AppendJSON appends the row without an end of line: an event as encoding/json
// writes it, a gap as {"lost":n}.
func (r Row) AppendJSON(b []byte) []byte {
	e := r.Event
	if e == nil {
		return append(strconv.AppendUint(append(b, `{"lost":`...), r.Lost, 10), '}')
	}
	b = strconv.AppendUint(append(b, `{"seq":`...), e.Seq, 10)
	b = strconv.AppendInt(append(b, `,"start":`...), e.Start, 10)
	b = strconv.AppendInt(append(b, `,"return":`...), e.Return, 10)
	b = appendString(append(b, `,"event":`...), e.Kind.String())
	b = appendString(append(b, `,"side":`...), e.Side.String())
	b = optionalNumber(b, `,"conn":`, e.Conn)
	b = optionalString(b, `,"local":`, e.Local)
	b = optionalString(b, `,"remote":`, e.Remote)
	b = optionalNumber(b, `,"from":`, e.From)
	b = optionalNumber(b, `,"to":`, e.To)
	if len(e.Data) > 0 {
		b = appendBase64(append(b, `,"data":"`...), e.Data)
		b = append(b, '"')
	}
	b = optionalString(b, `,"code":`, e.Code)
	b = optionalString(b, `,"syscall":`, e.Syscall)
	if e.HadError {
		b = append(b, `,"hadError":true`...)
	}
	b = optionalString(b, `,"host":`, e.Host)
	if e.Kernel != (wire.Kernel{}) {
		b = appendKernel(append(b, `,"kernel":{`...), &e.Kernel)
		b = append(b, '}')
	}
	if e.Approx {
		b = append(b, `,"approx":true`...)
	}
	return append(b, '}')
}

func appendKernel(b []byte, k *wire.Kernel) []byte {
	if k.State != 0 {
		b = append(appendString(append(b, `"state":`...), k.State.String()), ',')
	}
	b = strconv.AppendUint(append(b, `"unsent":`...), k.Unsent, 10)
	b = strconv.AppendUint(append(b, `,"unread":`...), k.Unread, 10)
	b = optionalNumber(b, `,"rtt":`, k.RTT)
	b = optionalNumber(b, `,"cwnd":`, k.Cwnd)
	return optionalNumber(b, `,"retransmits":`, k.Retransmits)
}

func optionalNumber(b []byte, name string, v uint64) []byte {
	if v == 0 {
		return b
	}
	return strconv.AppendUint(append(b, name...), v, 10)
}

func optionalString(b []byte, name, v string) []byte {
	if v == "" {
		return b
	}
	return appendString(append(b, name...), v)
}

// blank tells whether there is nothing but space.
func blank(line []byte) bool {
	for _, c := range line {
		if strings.IndexByte(space, c) < 0 {
			return false
		}
	}
	return true
}

// ParseNDJSON reads a capture from lines of JSON. It takes what encoding/json
// would: members in any order, names in any case, members that it does not
// know; and a blank line is no row. With an [*Error] come the rows before it.
func ParseNDJSON(text []byte) ([]Row, error) {
	var rows []Row
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if blank(line) {
			continue
		}
		if len(rows) == MaxRows {
			return rows, &Error{number, tooMany}
		}
		if len(line) > MaxLine {
			return rows, &Error{number, "longer than " + strconv.Itoa(MaxLine) + " bytes"}
		}
		r, reason := parseLine(line)
		if reason != "" {
			return rows, &Error{number, reason}
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// parseLine reads a row, or says what is wrong with it.
func parseLine(line []byte) (Row, string) {
	s := scanner{b: line}
	var e wire.Event
	var lost uint64
	s.object(func(name string) {
		if named(name, "lost") == "" {
			s.event(&e, name)
			return
		}
		s.number(name, &lost)
	})
	s.end()
	switch {
	case s.reason != "":
		return Row{}, s.reason
	case lost > 0 && e.Kind == 0:
		return Row{Lost: lost}, ""
	case lost > 0:
		return Row{}, "both an event and a gap"
	}
	return Row{Event: &e}, nonsense(&e)
}

// event reads the value of one member of an event.
func (s *scanner) event(e *wire.Event, name string) {
	switch name = named(name, "seq", "start", "return", "event", "side", "conn", "local", "remote", "from", "to",
		"data", "code", "syscall", "hadError", "host", "kernel", "approx"); name {
	case "seq":
		s.number(name, &e.Seq)
	case "start":
		s.time(name, &e.Start)
	case "return":
		s.time(name, &e.Return)
	case "event":
		s.name(name, &e.Kind)
	case "side":
		s.name(name, &e.Side)
	case "conn":
		s.number(name, &e.Conn)
	case "local":
		s.text(name, &e.Local)
	case "remote":
		s.text(name, &e.Remote)
	case "from":
		s.number(name, &e.From)
	case "to":
		s.number(name, &e.To)
	case "data":
		s.data(name, &e.Data)
	case "code":
		s.text(name, &e.Code)
	case "syscall":
		s.text(name, &e.Syscall)
	case "hadError":
		s.bool(name, &e.HadError)
	case "host":
		s.text(name, &e.Host)
	case "kernel":
		if !s.null() {
			s.object(func(name string) { s.kernel(&e.Kernel, name) })
		}
	case "approx":
		s.bool(name, &e.Approx)
	default:
		s.skip(1)
	}
}

func (s *scanner) kernel(k *wire.Kernel, name string) {
	switch name = named(name, "state", "unsent", "unread", "rtt", "cwnd", "retransmits"); name {
	case "state":
		s.name(name, &k.State)
	case "unsent":
		s.number(name, &k.Unsent)
	case "unread":
		s.number(name, &k.Unread)
	case "rtt":
		s.number(name, &k.RTT)
	case "cwnd":
		s.number(name, &k.Cwnd)
	case "retransmits":
		s.number(name, &k.Retransmits)
	default:
		s.skip(2)
	}
}
