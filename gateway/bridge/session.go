package bridge

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"sync"
	"time"

	"porthole/wire"
	"porthole/wire/tap"
)

// maxStreams bounds the sockets of one session.
const maxStreams = 256

// session is one WebSocket that speaks porthole.v1. It owns its streams: run
// returns when all have ended. Only the goroutine of run reads the socket, and
// it never waits for anything else, so a stream that stalls holds up no other.
type session struct {
	b    *Bridge
	sock socket
	ctx  context.Context // ends with the session
	stop context.CancelFunc
	feed feed

	orders  chan order         // for obey; nil until there is one
	periods chan time.Duration // for sample, the newest only; nil until there is one

	mu       sync.Mutex
	streams  map[uint64]*stream // by id, until they end; nil for a resolve
	last     uint64             // the newest id
	resolved map[string][]netip.Addr
	ending   wire.Reason // why no stream may begin any more; 0 while they may

	work sync.WaitGroup // one for each stream and each lookup
}

func newSession(ctx context.Context, b *Bridge, sock socket) *session {
	s := &session{b: b, sock: sock, streams: map[uint64]*stream{}, resolved: map[string][]netip.Addr{}}
	s.ctx, s.stop = context.WithCancel(ctx)
	s.feed.send = sock.Write
	s.feed.hold() // hello is first
	return s
}

// run serves the page until the WebSocket ends.
func (s *session) run() {
	defer s.sock.Abort()
	if s.b.Log != nil {
		s.b.join(s)
		defer s.b.quit(s)
	}
	_ = s.hello() // a broken WebSocket shows in reading, and one that we close is read to its end
	s.feed.flush()
	err := s.serve()
	if rule, ok := errors.AsType[*violation](err); ok {
		s.b.count("protocol")
		s.b.logger().Warn("session broke the protocol", "error", rule)
		s.sock.Close(rule.code, rule.text)
	}
	s.sock.Abort() // nothing more can be told
	s.end(wire.ReasonGone)
}

// end ends all streams and waits for them, and for what is left to tell.
func (s *session) end(why wire.Reason) {
	s.mu.Lock()
	if s.ending == 0 {
		s.ending = why
	}
	s.mu.Unlock()
	for _, st := range s.living() {
		st.end(why)
	}
	s.stop() // the lookups; a dial ends with its stream, which knows why
	s.work.Wait()
	s.feed.close()
}

// living are the streams that have not ended.
func (s *session) living() []*stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	streams := make([]*stream, 0, len(s.streams))
	for _, st := range s.streams {
		if st != nil {
			streams = append(streams, st)
		}
	}
	return streams
}

// spawn runs work that ends with the session, unless it is ending.
func (s *session) spawn(work func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending == 0 {
		s.work.Go(work)
	}
}

// leave is the gateway's goodbye. A page that does not read it is not waited
// for: the socket is cut.
func (s *session) leave() {
	cut := time.AfterFunc(closeWait, s.cut)
	defer cut.Stop()
	s.end(wire.ReasonShutdown)
	s.sock.Close(closeGoingAway, "the gateway is leaving")
}

func (s *session) cut() { s.sock.Abort() }

func (s *session) hello() error {
	h := wire.Hello{Window: wire.Window, Message: wire.MaxMessage, Streams: maxStreams, Copy: wire.MaxCopy}
	for _, t := range s.b.Policy.Targets {
		h.Targets = append(h.Targets, t.String())
	}
	if s.b.Log != nil {
		h.Offers = append(h.Offers, "events")
	}
	if s.b.Server != nil {
		h.Offers = append(h.Offers, "lab")
		if s.b.Open {
			h.Offers = append(h.Offers, "server")
		}
	}
	if s.b.kernels() {
		h.Offers = append(h.Offers, "kernel")
	}
	return s.sock.Write(wire.Append(nil, wire.OpHello, 0, &h))
}

// violation ends a session whose page breaks the protocol.
type violation struct {
	code int
	text string
}

func (v *violation) Error() string { return v.text }

func broken(text string) error { return &violation{closeProtocol, text} }

// serve takes the page's messages until there are no more.
func (s *session) serve() error {
	for {
		text, err := s.sock.Next()
		if err != nil {
			return err
		}
		if text {
			return &violation{closeUnsupported, "porthole.v1 has only binary messages"}
		}
		if err := s.message(); err != nil {
			return err
		}
	}
}

// messages are buffers of one message, held while its bytes move.
var messages = sync.Pool{New: func() any { b := make([]byte, wire.MaxMessage+1); return &b }}

func (s *session) message() error {
	buf := messages.Get().(*[]byte)
	defer messages.Put(buf)
	n := 0
	for {
		m, err := s.sock.Read((*buf)[n:])
		n += m
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if n > wire.MaxMessage {
			return &violation{closeTooBig, "a message is at most 65536 bytes"}
		}
	}
	op, id, rest, err := wire.ParseHead((*buf)[:n])
	if err != nil {
		return broken(err.Error())
	}
	if err := s.handle(op, id, rest); err != nil {
		if _, ok := errors.AsType[*violation](err); ok {
			return err
		}
		return broken(err.Error()) // fields that cannot be read
	}
	return nil
}

func (s *session) handle(op wire.Op, id uint64, rest []byte) error {
	switch op {
	case wire.OpDial:
		var d wire.Dial
		if err := wire.Parse(rest, &d); err != nil {
			return err
		}
		return s.dial(id, d)
	case wire.OpResolve:
		var r wire.Resolve
		if err := wire.Parse(rest, &r); err != nil {
			return err
		}
		return s.resolve(id, r)
	case wire.OpData, wire.OpFin, wire.OpReset, wire.OpClose, wire.OpCredit, wire.OpOption:
		st, err := s.stream(id)
		if st == nil || err != nil {
			return err
		}
		return st.handle(op, rest)
	case wire.OpLab:
		return s.steer(id, rest)
	case wire.OpObserve:
		return s.observe(rest)
	}
	return nil // an op of a later version
}

// stream finds a stream. One that has ended here may not have ended for the
// page yet: then it is nil.
func (s *session) stream(id uint64) (*stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id > s.last {
		return nil, broken("a message for a stream that was never opened")
	}
	return s.streams[id], nil
}

// errFull reports a session that has maxStreams.
var errFull = errors.New("too many streams")

// begin does the work of a new id, or tells why not. It tells so itself and
// leaves it to no one: a page that dials on and does not read is not read from.
func (s *session) begin(id uint64, st *stream, work func(), refuse func(wire.Failure)) error {
	err := s.start(id, st, work)
	if err == errFull {
		s.b.count("streams")
		refuse(wire.Failure{Phase: wire.PhasePolicy, Code: "EMFILE", Errno: 24, Syscall: "socket"})
		return nil
	}
	return err
}

// start takes a new id and starts its work. A session that is ending starts
// nothing.
func (s *session) start(id uint64, st *stream, work func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id%2 == 0 || id <= s.last {
		return broken("ids are odd and rise")
	}
	s.last = id
	switch {
	case s.ending != 0:
		return nil
	case len(s.streams) == maxStreams:
		return errFull
	}
	s.streams[id] = st
	s.b.streams.Add(1)
	s.work.Go(work)
	return nil
}

// conclude says the last word on an id. Its place is free before the page knows.
func (s *session) conclude(id uint64, op wire.Op, body wire.Body) {
	s.mu.Lock()
	if _, ok := s.streams[id]; ok {
		delete(s.streams, id)
		s.b.streams.Add(-1)
	}
	s.mu.Unlock()
	_ = s.send(id, op, body)
}

func (s *session) dial(id uint64, d wire.Dial) error {
	if d.Window > wire.Window {
		return broken("dial offers more than the window")
	}
	st := newStream(s, id, d)
	return s.begin(id, st, st.run, st.refuse)
}

// resolve answers with the addresses of a host that a target names, and
// remembers them: only those may be dialled for it.
func (s *session) resolve(id uint64, r wire.Resolve) error {
	refuse := func(f wire.Failure) { s.conclude(id, wire.OpFailed, &f) }
	return s.begin(id, nil, func() { s.lookup(id, r, refuse) }, refuse)
}

func (s *session) lookup(id uint64, r wire.Resolve, refuse func(wire.Failure)) {
	asked, err := newTarget(r.Host, 1) // as a target has it; the port plays no part
	named := slices.IndexFunc(s.b.Policy.Targets, func(t Target) bool { return !t.Unix() && t.Host == asked.Host })
	if err != nil || named < 0 {
		s.b.count("target")
		f := refusal(r.Host, 0)
		f.Syscall = "getaddrinfo"
		refuse(f)
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, dialTimeout)
	defer cancel()
	p := s.b.newPlug(s.b.Policy.Targets[named], s.emit())
	addrs, err := p.resolve(ctx, r.Family)
	if err != nil {
		refuse(*p.failure(wire.PhaseResolve, "getaddrinfo", err))
		return
	}
	var list wire.Resolved
	for _, a := range addrs {
		list.Addresses = append(list.Addresses, a.String())
	}
	s.mu.Lock()
	s.resolved[asked.Host] = addrs
	s.mu.Unlock()
	s.conclude(id, wire.OpResolved, &list)
}

// emit takes the events of the session's own sockets.
func (s *session) emit() tap.Emit {
	if s.b.Log == nil {
		return nil
	}
	return func(e wire.Event) {
		s.b.Log.Put(&e)
		s.feed.add(&e)
	}
}

func (s *session) send(id uint64, op wire.Op, body wire.Body) error {
	return s.sock.Write(wire.Append(make([]byte, 0, 64), op, id, body))
}
