package wire

import (
	"encoding/binary"
	"errors"
)

// Event is what a socket call did, or what a socket told: nothing is inferred.
// Its JSON form is a line of the event streams over HTTP.
type Event struct {
	// Seq numbers the events of one log from 1, in the order of their arrival.
	Seq uint64 `json:"seq"`
	// Start and Return bracket the socket call, in nanoseconds since the Unix
	// epoch, from a clock that never goes back. Both ends of a connection on
	// one machine share it.
	Start  int64 `json:"start"`
	Return int64 `json:"return"`
	Kind   Kind  `json:"event"`
	Side   Side  `json:"side"`
	// Conn numbers the connections of one side of one process from 1; of another
	// process in a fleet, behind that one's number (package bus). It is 0 for what
	// concerns the listener itself.
	Conn uint64 `json:"conn,omitempty"`
	// Local and Remote are "host:port" or a path, as the kernel tells them.
	// One end's Local is the other end's Remote.
	Local  string `json:"local,omitempty"`
	Remote string `json:"remote,omitempty"`
	// From and To are the range [From,To) of the stream that was read or
	// written, counted from the first byte of that direction.
	From uint64 `json:"from,omitempty"`
	To   uint64 `json:"to,omitempty"`
	// Data copies the first bytes of the range, at most MaxCopy.
	Data []byte `json:"data,omitempty"`
	// Code is the POSIX name of an error, Syscall the call that met it.
	Code    string `json:"code,omitempty"`
	Syscall string `json:"syscall,omitempty"`
	// HadError tells, for close, whether an error came before.
	HadError bool `json:"hadError,omitempty"`
	// Host is the name that a lookup resolved.
	Host string `json:"host,omitempty"`
	// Kernel is what the kernel said of the socket as the call returned.
	Kernel Kernel `json:"kernel,omitzero"`
	// Approx marks times from another machine's clock.
	Approx bool `json:"approx,omitempty"`
}

// At is the moment to show: a call counts from when it was made, for its bytes
// can be read before it returns; an event from when the program learned of it.
func (e *Event) At() int64 {
	if e.Kind.Call() {
		return e.Start
	}
	return e.Return
}

// Bytes is how many bytes were read or written.
func (e *Event) Bytes() uint64 { return e.To - e.From }

// Listener tells whether the event concerns a listener and no connection.
func (e *Event) Listener() bool { return e.Side == Server && e.Conn == 0 }

func (e *Event) fields(c *codec) {
	number(c, &e.Seq)
	start, took := uint64(e.Start), uint64(e.Return-e.Start)
	number(c, &start)
	number(c, &took)
	e.Start, e.Return = int64(start), int64(start+took)
	number(c, &e.Kind)
	number(c, &e.Side)
	number(c, &e.Conn)
	c.string(&e.Local)
	c.string(&e.Remote)
	number(c, &e.From)
	number(c, &e.To)
	c.bytes(&e.Data)
	c.string(&e.Code)
	c.string(&e.Syscall)
	c.bool(&e.HadError)
	c.string(&e.Host)
	e.Kernel.fields(c)
	c.bool(&e.Approx)
}

// AppendEvent appends one event, with its length in front, to an events message.
func AppendEvent(b []byte, e *Event) []byte {
	// The length is almost always two bytes: leave them free, and move the
	// event only when that guess was wrong.
	at := len(b)
	c := codec{b: append(b, 0, 0)}
	e.fields(&c)
	n := uint64(len(c.b) - at - 2)
	var head [binary.MaxVarintLen64]byte
	h := binary.PutUvarint(head[:], n)
	switch {
	case h < 2:
		c.b = append(c.b[:at+h], c.b[at+2:]...)
	case h > 2:
		c.b = append(c.b, head[:h-2]...)
		copy(c.b[at+h:], c.b[at+2:])
	}
	copy(c.b[at:], head[:h])
	return c.b
}

// ParseEvents calls yield for each event of an events message. The events'
// Data points into rest.
func ParseEvents(rest []byte, yield func(Event)) error {
	for len(rest) > 0 {
		n, h := binary.Uvarint(rest)
		if h <= 0 || n > uint64(len(rest)-h) {
			return ErrShort
		}
		var e Event
		if err := Parse(rest[h:h+int(n)], &e); err != nil {
			return err
		}
		yield(e)
		rest = rest[h+int(n):]
	}
	return nil
}

// Side is the end of a connection that an event happened at.
type Side uint8

// The two ends.
const (
	Client Side = 1 + iota
	Server
)

var sides = [...]string{"", "client", "server"}

func (s Side) String() string { return name(sides[:], uint8(s)) }

// Kind is what happened, in the words of Node's net module. A name with
// parentheses is a call that the program made.
type Kind uint8

// A listener's own error and close carry no connection.
const (
	Listening Kind = 1 + iota
	Connection
	Drop
	Lookup
	Connect
	Ready
	Data
	Drain
	End
	Timeout
	Error
	Close

	CallWrite
	CallEnd
	CallDestroy
	CallReset
	CallPause
	CallResume
	CallClose // of the listener
)

var kinds = [...]string{
	"", "listening", "connection", "drop", "lookup", "connect", "ready", "data", "drain", "end", "timeout", "error", "close",
	"write()", "end()", "destroy()", "reset()", "pause()", "resume()", "close()",
}

func (k Kind) String() string { return name(kinds[:], uint8(k)) }

// Call tells whether the program made a call, rather than learned of something.
func (k Kind) Call() bool { return k >= CallWrite && k <= CallClose }

// State is a TCP connection's state (RFC 9293 §3.3.2), numbered as in Linux.
type State uint8

var states = [...]string{
	"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
	"CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV",
}

func (s State) String() string { return name(states[:], uint8(s)) }

// Kernel is what a Linux kernel says of a socket. Elsewhere it is all zero.
type Kernel struct {
	State       State  `json:"state,omitempty"` // TCP only
	Unsent      uint64 `json:"unsent"`          // bytes written that the peer's kernel has not acknowledged
	Unread      uint64 `json:"unread"`          // bytes received that the program has not read
	RTT         uint64 `json:"rtt,omitempty"`   // smoothed round trip, in µs
	Cwnd        uint64 `json:"cwnd,omitempty"`  // congestion window, in segments
	Retransmits uint64 `json:"retransmits,omitempty"`
}

func (k *Kernel) fields(c *codec) {
	number(c, &k.State)
	number(c, &k.Unsent)
	number(c, &k.Unread)
	number(c, &k.RTT)
	number(c, &k.Cwnd)
	number(c, &k.Retransmits)
}

// ErrName reports a name that is no Kind, Side or State.
var ErrName = errors.New("wire: unknown name")

// MarshalText writes the name; encoding/json uses it.
func (k Kind) MarshalText() ([]byte, error)  { return []byte(k.String()), nil }
func (s Side) MarshalText() ([]byte, error)  { return []byte(s.String()), nil }
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (k *Kind) UnmarshalText(b []byte) error  { return index(kinds[:], b, k) }
func (s *Side) UnmarshalText(b []byte) error  { return index(sides[:], b, s) }
func (s *State) UnmarshalText(b []byte) error { return index(states[:], b, s) }

func index[T ~uint8](names []string, b []byte, v *T) error {
	for i, n := range names {
		if Fold(n) == Fold(string(b)) {
			*v = T(i)
			return nil
		}
	}
	return ErrName
}

// Fold is a name without upper case, for names are ASCII. Package unicode would
// add its tables to the page.
func Fold(name string) string {
	b := []byte(name)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | ' '
		}
	}
	return string(b)
}
