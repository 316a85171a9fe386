package bridge

import (
	"cmp"
	"errors"
	"net"
	"time"

	"porthole/wire"
	"porthole/wire/tap"
)

// listening is a listener of a page. It accepts for as long as the page's session
// may have another stream; what comes meanwhile waits in the kernel.
type listening struct {
	s    *session
	id   uint64
	l    net.Listener
	over bool // it is to accept no more; s.mu guards it

	release func() // of its port, in the fleet; nil without
}

// listen opens a listener for the page.
func (s *session) listen(id uint64, m wire.Listen) error {
	ln := &listening{s: s, id: id}
	s.mu.Lock()
	s.listeners[id] = ln // before anything is said of it
	s.mu.Unlock()
	return s.begin(id, nil, func() {
		if f := ln.open(m); f != nil {
			ln.refuse(*f)
			return
		}
		ln.serve()
	}, ln.refuse)
}

func (ln *listening) refuse(f wire.Failure) { ln.conclude(wire.OpFailed, &f) }

// conclude says the last word on the listener.
func (ln *listening) conclude(op wire.Op, body wire.Body) {
	ln.s.mu.Lock()
	delete(ln.s.listeners, ln.id)
	ln.s.mu.Unlock()
	if ln.release != nil {
		ln.release()
	}
	ln.s.conclude(ln.id, op, body)
}

// open listens, where the policy allows it.
func (ln *listening) open(m wire.Listen) *wire.Failure {
	b := ln.s.b
	at, err := ln.s.place(m)
	if err != nil {
		b.count("listen")
		ln.s.user.tell(b.logger()).Warn("listener refused", "host", shorten(m.Host), "port", m.Port)
		f := refusal(m.Host, m.Port)
		f.Syscall = "listen"
		return &f
	}
	if f := ln.lease(m.Port); f != nil {
		f.Address = at.addr.String()
		return f
	}
	l, err := at.open(ln.s.ctx)
	if err != nil {
		b.logger().Info("no listener", "at", at.String(), "error", err)
		f := describe(wire.PhaseListen, "listen", err)
		f.Syscall = "listen" // whichever call it was: that is what Node says
		f.Address, f.Port = cmp.Or(f.Address, at.addr.String()), cmp.Or(f.Port, m.Port)
		return &f
	}
	b.pages.add(l.Addr(), ln.s)
	if emit := ln.s.tell(); emit != nil {
		l = (&tap.Server{Emit: emit, Accepted: &b.Accepted}).Listener(l)
	}
	ln.s.mu.Lock()
	defer ln.s.mu.Unlock()
	ln.l = l
	if ln.over || ln.s.ending != 0 {
		ln.close()
	}
	return nil
}

// tell takes the events of a server that is the page's own.
func (s *session) tell() tap.Emit {
	if s.b.Log == nil {
		return nil
	}
	return func(e wire.Event) { s.b.observe(e, s) }
}

// serve accepts until the listener is closed.
func (ln *listening) serve() {
	_ = ln.s.send(ln.id, wire.OpListening, &wire.Listener{Local: ln.l.Addr().String()})
	var wait time.Duration
	for {
		c, err := ln.l.Accept()
		switch {
		case err == nil:
			wait = 0
			ln.announce(c)
		case errors.Is(err, net.ErrClosed):
			ln.conclude(wire.OpUnlistened, nil)
			return
		default: // no descriptor, perhaps: it may get better
			wait = min(max(2*wait, minAcceptWait), maxAcceptWait)
			select {
			case <-time.After(wait):
			case <-ln.s.ctx.Done():
			}
		}
	}
}

// How long not to accept after an Accept that failed, doubled each time.
const (
	minAcceptWait = 5 * time.Millisecond
	maxAcceptWait = time.Second
)

// announce makes a connection a stream of the session, once there may be one.
// What comes when the listener is closed is refused.
func (ln *listening) announce(c net.Conn) {
	s := ln.s
	bound(c, s.b.inForce())
	s.mu.Lock()
	for s.ending == 0 && !ln.over && len(s.streams) >= s.most {
		s.freed.Wait()
	}
	if s.ending != 0 || ln.over {
		s.mu.Unlock()
		reset(c)
		return
	}
	s.given += 2
	st := newStream(s, s.given, wire.Dial{})
	st.release = func() {}
	s.streams[st.id] = st
	s.b.streams.Add(1)
	s.mu.Unlock()
	var number uint64
	if t, ok := c.(*tap.Conn); ok {
		number = t.Number()
	}
	_ = s.send(st.id, wire.OpAccepted, &wire.Accepted{
		Listener: ln.id, Conn: number, Local: c.LocalAddr().String(), Remote: c.RemoteAddr().String(),
	})
	st.mu.Lock()
	st.join(c)
	if st.reason != 0 {
		st.shut()
	}
	st.mu.Unlock()
	s.work.Go(st.carry)
}

// unlisten closes a listener.
func (s *session) unlisten(id uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id > s.last {
		return broken("a message for a listener that was never opened")
	}
	if ln := s.listeners[id]; ln != nil {
		ln.close()
	}
	return nil
}

// close ends a listener, of which serve says so. s.mu is held.
func (ln *listening) close() {
	ln.over = true
	ln.s.freed.Broadcast()
	if ln.l != nil {
		ln.s.b.pages.remove(ln.l.Addr())
		_ = ln.l.Close()
	}
}
