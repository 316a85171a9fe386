package bridge

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"porthole/wire"
	"porthole/wire/tap"
)

// session is one WebSocket that speaks porthole.v1. It owns its streams: run
// returns when all have ended. Only the goroutine of run reads the socket, and
// it never waits for anything else, so a stream that stalls holds up no other.
type session struct {
	b    *Bridge
	user *Grant
	sock socket
	ctx  context.Context // ends with the session
	stop context.CancelFunc
	feed feed
	life life

	dials *rate.Limiter // nil if there is no limit
	most  int           // streams at one time
	free  bool          // what goes down needs no credit

	out      lock // one message is sent at a time
	receipts receipts
	batch    batch // of the page's data; the reader's alone

	orders  chan order         // for obey; nil until there is one
	periods chan time.Duration // for sample, the newest only; nil until there is one

	mu        sync.Mutex
	streams   map[uint64]*stream // by id, until they end; nil for a resolve
	last      uint64             // the newest id of the page's
	given     uint64             // … and of ours
	listeners map[uint64]*listening
	own       netip.Addr // its loopback; zero until it is needed
	freed     sync.Cond  // there is room for a stream, or none is waited for
	resolved  map[string][]netip.Addr
	ending    wire.Reason // why no stream may begin any more; 0 while they may

	work sync.WaitGroup // one for each stream and each lookup
}

func newSession(b *Bridge, user *Grant, sock socket) *session {
	s := &session{b: b, user: user, sock: sock, out: newLock(), streams: map[uint64]*stream{}, listeners: map[uint64]*listening{}}
	s.freed.L = &s.mu
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.receipts.delay = minDelay
	l := b.inForce()
	s.most = l.Streams
	s.dials = limiter(l.Dials, l.Streams)
	s.feed.send = func(b []byte) error { return s.write(b, false) }
	s.feed.told = &b.lost
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
	s.b.punish(s.sock, s.serve())
	s.shut(wire.ReasonGone)
	s.sock.Linger()
	s.sock.Abort() // nothing more can be told
	s.end(wire.ReasonGone)
}

// end ends all streams and waits for them, and for what is left to tell.
func (s *session) end(why wire.Reason) {
	s.shut(why)
	s.work.Wait()
	s.feed.close()
}

// shut ends all streams, and lets none begin.
func (s *session) shut(why wire.Reason) {
	s.mu.Lock()
	if s.ending == 0 {
		s.ending = why
	}
	for _, ln := range s.listeners {
		ln.close()
	}
	s.freed.Broadcast()
	s.mu.Unlock()
	for _, st := range s.living() {
		st.end(why)
	}
	s.stop() // the lookups; a dial ends with its stream, which knows why
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
func (s *session) leave(code int, why string) {
	cut := time.AfterFunc(closeWait, s.cut)
	defer cut.Stop()
	s.end(wire.ReasonShutdown)
	s.sock.Close(code, why)
}

func (s *session) cut()  { s.sock.Abort() }
func (s *session) ping() { s.sock.Ping() }

func (s *session) bytes() (up, down uint64) { return s.life.up.Load(), s.life.down.Load() }

func (s *session) look(now time.Time, l *Limits) string {
	for _, st := range s.living() {
		st.look(now, l)
	}
	return s.life.look(now, s.sock.Reads(), s.sock.Sends(), l)
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
		msg, err := s.sock.Next()
		if err != nil {
			_ = s.flush() // what came before it was fine
			return err
		}
		if err := s.message(msg); err != nil {
			if _, ok := errors.AsType[*violation](err); !ok {
				err = broken(err.Error()) // it cannot be read
			}
			return err
		}
	}
}

// batch is data of one stream that has come and is not written: messages that
// are joined are one write.
type batch struct {
	id   uint64
	data []byte
}

func (s *session) message(msg []byte) error {
	op, id, rest, err := wire.ParseHead(msg)
	if err != nil {
		return err
	}
	data := op == wire.OpData
	if !data || id != s.batch.id {
		if err := s.flush(); err != nil {
			return err
		}
	}
	switch {
	case !data:
		err = s.handle(op, id, rest)
	case s.batch.data == nil:
		s.batch = batch{id, rest}
	default:
		// Behind it lie headers, which are used up, and rest itself: it moves
		// down to where the batch ends.
		s.batch.data = append(s.batch.data, rest...)
	}
	if err != nil || s.sock.Ready() {
		return err
	}
	if err := s.flush(); err != nil { // before the bytes are no more valid
		return err
	}
	s.settle()
	return nil
}

// flush hands the batch to its stream.
func (s *session) flush() error {
	b := s.batch
	if s.batch = (batch{}); b.data == nil {
		return nil
	}
	return s.handle(wire.OpData, b.id, b.data)
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
	case wire.OpListen:
		var l wire.Listen
		if err := wire.Parse(rest, &l); err != nil {
			return err
		}
		return s.listen(id, l)
	case wire.OpUnlisten:
		return s.unlisten(id)
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
	if newest := [...]uint64{s.given, s.last}[id%2]; id > newest {
		return nil, broken("a message for a stream that was never opened")
	}
	return s.streams[id], nil
}

// errFull reports a session that has as many streams as it may.
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
	case len(s.streams) >= s.most:
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
		s.freed.Broadcast()
	}
	s.mu.Unlock()
	_ = s.send(id, op, body)
}

func (s *session) dial(id uint64, d wire.Dial) error {
	if d.Window > wire.MaxWindow {
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
	ctx, cancel := s.b.inForce().dial(s.ctx)
	defer cancel()
	t, f := s.permit(ctx, r.Host, 0, func() (Target, error) { return s.b.Policy.named(r.Host, s.user) })
	if f != nil {
		f.Syscall = "getaddrinfo"
		refuse(*f)
		return
	}
	p := s.b.newPlug(t, s.emit())
	addrs, err := p.resolve(ctx, r.Family)
	if err != nil {
		refuse(*p.failure(ctx, wire.PhaseResolve, "getaddrinfo", err))
		return
	}
	var list wire.Resolved
	for _, a := range addrs {
		list.Addresses = append(list.Addresses, a.String())
	}
	s.mu.Lock()
	if s.resolved == nil {
		s.resolved = map[string][]netip.Addr{}
	}
	s.resolved[t.Host] = remember(s.resolved[t.Host], addrs)
	s.mu.Unlock()
	s.conclude(id, wire.OpResolved, &list)
}

// remember adds addresses to those that are known of a name, the newest first: a
// server may answer each time with others, while a dial of the ones before is on its
// way.
func remember(known, addrs []netip.Addr) []netip.Addr {
	const enough = 64 // of one name
	all := slices.Clone(addrs)
	for _, a := range known {
		if len(all) < enough && !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// emit takes the events of the session's own sockets.
func (s *session) emit() tap.Emit {
	if s.b.Log == nil {
		return nil
	}
	return func(e wire.Event) {
		s.b.Log.Put(&e)
		s.feed.add(&e)
		s.b.share(&e, s)
	}
}

func (s *session) send(id uint64, op wire.Op, body wire.Body) error {
	return s.write(wire.Append(make([]byte, lead, lead+64), op, id, body), false)
}
