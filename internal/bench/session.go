//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"strconv"

	"porthole/wire"
)

// session is a link that speaks porthole.v1, as a page does: it respects the
// window, gives credit, and skips what tells of events.
type session struct {
	*ws
	hello   wire.Hello
	streams []*stream // of id 1, 3, 5 …
	leaves  bool      // the gateway may end the streams, for it leaves
	into    *stream   // whose data is coming; nil for what is skipped
	got     func(*stream, int)
	take    taker // made once, so that a read makes no closure
}

// newSession waits for hello.
func newSession(w *ws) (*session, error) {
	s := &session{ws: w}
	s.take = s.message
	for s.hello.Window == 0 {
		if err := s.read(func(*stream, int) {}); err != nil {
			return nil, err
		}
	}
	if s.hello.Window > wire.Window {
		return nil, fmt.Errorf("the window is %d, more than the protocol has", s.hello.Window)
	}
	return s, nil
}

// dial opens streams to targets, all at once, and waits until they are connected.
func (s *session) dial(targets []string) ([]*stream, error) {
	if total := len(s.streams) + len(targets); uint64(total) > s.hello.Streams {
		return nil, fmt.Errorf("%d streams are more than the gateway's %d", total, s.hello.Streams)
	}
	var fresh []*stream
	for _, target := range targets {
		host, port, err := net.SplitHostPort(target)
		if err != nil {
			return nil, err
		}
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, err
		}
		st := &stream{id: uint64(2*len(s.streams) + 1), grown: make(chan struct{}, 1)}
		st.head = wire.AppendHead(nil, wire.OpData, st.id)
		st.room.Store(int64(s.hello.Window))
		s.streams = append(s.streams, st)
		fresh = append(fresh, st)
		dial := wire.Dial{Host: host, Port: number, Window: wire.MaxWindow}
		if err := s.send(opBinary, wire.Append(nil, wire.OpDial, st.id, &dial)); err != nil {
			return nil, err
		}
	}
	for _, st := range fresh {
		for !st.open {
			if err := s.read(func(*stream, int) {}); err != nil {
				return nil, err
			}
		}
	}
	return fresh, nil
}

func (s *session) queue(st *stream, size, count int) {
	st.room.Add(-int64(size * count))
	s.ws.queue(st, size, count)
}

func (s *session) read(got func(*stream, int)) error {
	s.got = got
	return s.next(s.take)
}

// message takes what has come of a message.
func (s *session) message(b []byte, first, last bool) (int, error) {
	rest := b
	if first {
		op, id, after, err := wire.ParseHead(b)
		if err != nil {
			if last || len(b) > wire.Overhead {
				return 0, err
			}
			return 0, nil
		}
		switch op {
		case wire.OpData:
			if s.into, err = s.stream(id); err != nil {
				return 0, err
			}
		case wire.OpEvents, wire.OpLost, wire.OpKernel:
			s.into = nil
		default:
			if !last {
				return 0, nil
			}
			s.into = nil
			return len(b), s.control(op, id, after)
		}
		rest = after
	}
	if s.into == nil || len(rest) == 0 {
		return len(b), nil
	}
	return len(b), s.data(s.into, rest)
}

func (s *session) data(st *stream, b []byte) error {
	if err := st.check(s.pattern, b); err != nil {
		return fmt.Errorf("stream %d: %w", st.id, err)
	}
	st.got += uint64(len(b))
	st.unread += uint64(len(b))
	if st.unread > wire.MaxWindow {
		return fmt.Errorf("stream %d: %d bytes came without credit", st.id, st.unread)
	}
	if st.unread >= wire.MaxWindow/4 && !st.frozen {
		if err := s.credit(st); err != nil {
			return err
		}
	}
	s.got(st, len(b))
	return nil
}

// credit gives all back that has come.
func (s *session) credit(st *stream) error {
	n := wire.Count(st.unread)
	st.unread = 0
	return s.send(opBinary, wire.Append(nil, wire.OpCredit, st.id, &n))
}

// control takes a message that is not data.
func (s *session) control(op wire.Op, id uint64, rest []byte) error {
	if op == wire.OpHello {
		return wire.Parse(rest, &s.hello)
	}
	st, err := s.stream(id)
	if err != nil {
		return err
	}
	switch op {
	case wire.OpConnected:
		st.open = true
	case wire.OpWrote:
		n, size := binary.Uvarint(rest) // wire.Parse would allocate
		if size <= 0 {
			return wire.ErrShort
		}
		if st.room.Add(int64(n)) > int64(s.hello.Window) {
			return fmt.Errorf("stream %d: more was written than was sent", id)
		}
		select {
		case st.grown <- struct{}{}:
		default:
		}
	case wire.OpFailed, wire.OpError:
		var f wire.Failure
		if err := wire.Parse(rest, &f); err != nil {
			return err
		}
		return fmt.Errorf("stream %d: %s: %s", id, f.Phase, f.Code)
	case wire.OpFin, wire.OpClosed, wire.OpFinished:
		var c wire.Closed
		if s.leaves && op == wire.OpClosed && wire.Parse(rest, &c) == nil && c.Reason == wire.ReasonShutdown {
			st.open = false
			return nil
		}
		return fmt.Errorf("stream %d ended early, with op %d", id, op)
	}
	return nil
}

func (s *session) stream(id uint64) (*stream, error) {
	if i := id / 2; id%2 == 1 && i < uint64(len(s.streams)) {
		return s.streams[i], nil
	}
	return nil, fmt.Errorf("a message is about stream %d, which there is not", id)
}
