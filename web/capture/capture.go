// Package capture writes and reads captures: what sockets did, as rows of
// events, in the formats of others and in one that fits a link.
//
//	text := capture.AppendNDJSON(nil, rows)
//	...
//	rows, err := capture.ParseNDJSON(text)
//
// NDJSON and the compact format hold all of an event and come back. A Mermaid
// sequence diagram and a pcapng file are for other programs' eyes, and show
// what the events tell, nothing more: no segments, no headers, no ACKs.
//
// It links neither fmt nor encoding/json nor net, for the page cannot.
package capture

import (
	"iter"
	"strconv"

	"porthole/wire"
)

// Row is a line of a capture: an event, or, if Event is nil, a gap where Lost
// events never came.
type Row struct {
	Event *wire.Event
	Lost  uint64
}

// MaxRows is how many rows a capture may have to be read.
const MaxRows = 1_000_000

// Error tells where a capture cannot be read, and why.
type Error struct {
	// Line is the line, from 1, of NDJSON; of a compact capture, the row. It
	// is 0 for what stands before the first.
	Line   int
	Reason string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return "capture: " + e.Reason
	}
	return "capture: line " + strconv.Itoa(e.Line) + ": " + e.Reason
}

const tooMany = "too many rows"

// nonsense says what about an event cannot be, or nothing.
func nonsense(e *wire.Event) string {
	switch {
	case e.Kind == 0:
		return "no event is named"
	case e.Kind.String() == wire.Kind(1<<8-1).String():
		return "the event is unknown"
	case e.Side != wire.Client && e.Side != wire.Server:
		return "the side is neither client nor server"
	case e.Start < 0:
		return "start is before 1970"
	case e.Return < e.Start:
		return "return is before start"
	case e.To < e.From:
		return "to is before from"
	case uint64(len(e.Data)) > e.Bytes():
		return "data is longer than its range"
	case len(e.Data) > wire.MaxCopy:
		return "data is longer than an event copies"
	case e.Kernel.State.String() == wire.State(1<<8-1).String():
		return "the kernel's state is unknown"
	}
	return ""
}

// moment is a row and when it happened.
type moment struct {
	Row
	at int64 // ns since 1970
}

// ordered collects rows as things happened, which is not quite as they were
// told: a call is told when it returns. A gap stays behind the row before it.
func ordered(rows iter.Seq[Row]) []moment {
	var all []moment
	at, leading := int64(0), 0
	for r := range rows {
		switch {
		case r.Event != nil:
			at = r.Event.At()
		case len(all) == leading:
			leading++
		}
		all = append(all, moment{r, at})
	}
	for i := range leading { // a gap at the front has no row before it
		if leading < len(all) {
			all[i].at = all[leading].at
		}
	}
	// A row has at most a few that were told before it and came after it.
	for i, m := range all {
		for ; i > 0 && all[i-1].at > m.at; i-- {
			all[i] = all[i-1]
		}
		all[i] = m
	}
	return all
}
