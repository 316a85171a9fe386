package wire

import (
	"encoding/binary"
	"errors"
)

// Errors of a message that cannot be read. Both break the protocol.
var (
	// ErrShort reports a message that ends inside its op, id or fields.
	ErrShort = errors.New("wire: message is cut short")
	// ErrList reports a list that says it is longer than its message.
	ErrList = errors.New("wire: list is longer than its message")
)

// AppendHead appends the op and the id that start a message.
func AppendHead(b []byte, op Op, id uint64) []byte {
	return binary.AppendUvarint(append(b, byte(op)), id)
}

// ParseHead splits a message into op, id and the rest, which it does not copy.
func ParseHead(msg []byte) (op Op, id uint64, rest []byte, err error) {
	if len(msg) < 2 {
		return 0, 0, nil, ErrShort
	}
	id, n := binary.Uvarint(msg[1:])
	if n <= 0 {
		return 0, 0, nil, ErrShort
	}
	return Op(msg[0]), id, msg[1+n:], nil
}

// Body is what a message carries behind its head: one of this package's
// structs, or [Count].
type Body interface {
	// fields names each field once, in the order of the wire, for both ways.
	fields(c *codec)
}

// Append appends a whole message. A nil body is a message of a head alone.
func Append(b []byte, op Op, id uint64, body Body) []byte {
	c := codec{b: AppendHead(b, op, id)}
	if body != nil {
		body.fields(&c)
	}
	return c.b
}

// Parse reads a body from what [ParseHead] left over. Byte slices within body
// point into rest.
func Parse(rest []byte, body Body) error {
	c := codec{b: rest, parse: true}
	body.fields(&c)
	return c.err
}

// Hello opens a session: what the gateway allows and offers.
type Hello struct {
	Window  uint64   // bytes under way at most, a stream and direction
	Message uint64   // bytes in a message at most
	Streams uint64   // streams at one time at most
	Copy    uint64   // bytes of data in an event at most
	Targets []string // what may be dialled; the first is the default
	Offers  []string // what else works here: "events", "lab", "server", "kernel"
}

func (h *Hello) fields(c *codec) {
	number(c, &h.Window)
	number(c, &h.Message)
	number(c, &h.Streams)
	number(c, &h.Copy)
	c.list(&h.Targets)
	c.list(&h.Offers)
}

// Resolve asks for the addresses of a host that a target names.
type Resolve struct {
	Host   string
	Family uint64 // 4, 6, or 0 for both
}

func (r *Resolve) fields(c *codec) {
	c.string(&r.Host)
	number(c, &r.Family)
}

// Resolved lists addresses in the order in which they are best tried.
type Resolved struct {
	Addresses []string
}

func (r *Resolved) fields(c *codec) { c.list(&r.Addresses) }

// Dial opens a stream to a target. Host alone lets the gateway resolve; with
// an Address, which resolved named before, that one is dialled. A Host that
// starts with "/" is the path of a Unix socket and needs no Port. With no Host,
// Address or Port the default target is dialled. Local and LocalPort are where our
// end is to be (bind(2)), empty for anywhere: a page may choose where it may listen.
type Dial struct {
	Host      string
	Address   string
	Port      uint64
	Local     string
	LocalPort uint64
	Window    uint64 // bytes the gateway may send before the first credit
	Options   []Option
}

func (d *Dial) fields(c *codec) {
	c.string(&d.Host)
	c.string(&d.Address)
	number(c, &d.Port)
	c.string(&d.Local)
	number(c, &d.LocalPort)
	number(c, &d.Window)
	n := c.length(len(d.Options))
	if c.parse {
		d.Options = make([]Option, n)
	}
	for i := range d.Options {
		d.Options[i].fields(c)
	}
}

// Option sets one option of a socket. An unknown name is ignored.
type Option struct {
	Name  OptionName
	Value uint64
}

// OptionName is a socket option (POSIX setsockopt, RFC 9293 §3.8.4 keep-alive).
type OptionName uint64

const (
	// OptionNoDelay is TCP_NODELAY: 1 on, 0 off. It begins on, as in Go.
	OptionNoDelay OptionName = 1
	// OptionKeepAlive is SO_KEEPALIVE: 0 off, else the idle time in ms.
	OptionKeepAlive OptionName = 2
)

func (o *Option) fields(c *codec) {
	number(c, &o.Name)
	number(c, &o.Value)
}

// Connected tells a stream's addresses as the kernel tells them.
type Connected struct {
	Conn   uint64 // the number that the socket's events carry
	Local  string // "host:port", or a path
	Remote string
}

func (m *Connected) fields(c *codec) {
	number(c, &m.Conn)
	c.string(&m.Local)
	c.string(&m.Remote)
}

// Listen opens a listener.
type Listen struct {
	Host   string // an address, "localhost", or empty for wherever it is allowed
	Port   uint64 // 0 for any
	Family uint64 // 4, 6, or 0 for either
}

func (l *Listen) fields(c *codec) {
	c.string(&l.Host)
	number(c, &l.Port)
	number(c, &l.Family)
}

// Listener tells where a listener is.
type Listener struct {
	Local string // "host:port"
}

func (m *Listener) fields(c *codec) { c.string(&m.Local) }

// Accepted opens a stream: a connection that a listener has accepted.
type Accepted struct {
	Listener uint64 // its id
	Conn     uint64 // the number that the socket's events carry
	Local    string // "host:port"
	Remote   string
}

func (m *Accepted) fields(c *codec) {
	number(c, &m.Listener)
	number(c, &m.Conn)
	c.string(&m.Local)
	c.string(&m.Remote)
}

// Failure says what went wrong, for a failed and for an error message.
type Failure struct {
	Phase   Phase
	Code    string // POSIX name, or ENOTFOUND and its kind
	Errno   uint64 // Linux's number; Node shows it negative
	Syscall string // getaddrinfo, connect, read, write
	Address string // what was tried
	Port    uint64
	Millis  uint64 // how long it took
	Conn    uint64 // the number that the socket's events carry
}

func (f *Failure) fields(c *codec) {
	number(c, &f.Phase)
	c.string(&f.Code)
	number(c, &f.Errno)
	c.string(&f.Syscall)
	c.string(&f.Address)
	number(c, &f.Port)
	number(c, &f.Millis)
	number(c, &f.Conn)
}

// Closed is the last message of a stream.
type Closed struct {
	Reason Reason
}

func (m *Closed) fields(c *codec) { number(c, &m.Reason) }

// Count is the body of credit, wrote, close and lost: a number of bytes, or of
// events.
type Count uint64

func (n *Count) fields(c *codec) { number(c, n) }

// codec appends fields to b, or, when parse is set, takes them from its front.
// After the first error it does nothing more.
type codec struct {
	b     []byte
	parse bool
	err   error
}

func number[T ~uint8 | ~uint64](c *codec, v *T) {
	if !c.parse {
		c.b = binary.AppendUvarint(c.b, uint64(*v))
		return
	}
	x, n := binary.Uvarint(c.b)
	if c.err != nil || n <= 0 || uint64(T(x)) != x {
		c.fail(ErrShort)
		return
	}
	*v, c.b = T(x), c.b[n:]
}

func (c *codec) bool(v *bool) {
	var n uint8
	if *v {
		n = 1
	}
	number(c, &n)
	*v = n != 0
}

func (c *codec) bytes(v *[]byte) {
	n := c.length(len(*v))
	if !c.parse {
		c.b = append(c.b, *v...)
		return
	}
	*v, c.b = c.b[:n:n], c.b[n:]
}

func (c *codec) string(v *string) {
	n := c.length(len(*v))
	if !c.parse {
		c.b = append(c.b, *v...)
		return
	}
	*v, c.b = string(c.b[:n]), c.b[n:]
}

func (c *codec) list(v *[]string) {
	n := c.length(len(*v))
	if c.parse {
		*v = make([]string, n)
	}
	for i := range *v {
		c.string(&(*v)[i])
	}
}

// length appends n, or reads a length: never more than the bytes that are left,
// so what a hostile one allocates is bounded by its message.
func (c *codec) length(n int) int {
	v := uint64(n)
	number(c, &v)
	if c.parse && v > uint64(len(c.b)) {
		c.fail(ErrList)
	}
	if c.err != nil {
		return 0
	}
	return int(v)
}

func (c *codec) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.b = nil
}
