package bridge

import (
	"encoding/binary"

	"porthole/wire"
)

// Send turns frames of the session's into packets, and sends those that the client
// is to have. It may write over them.
func (w *wisp) Send(frames []byte) error {
	for len(frames) > 0 {
		h, n := parseHead(frames)
		frame := frames[:n+int(h.size)]
		if err := w.tell(frame, n); err != nil {
			return err
		}
		frames = frames[len(frame):]
	}
	return nil
}

// tell turns a frame, whose message is frame[at:].
func (w *wisp) tell(frame []byte, at int) error {
	op, id, rest, err := wire.ParseHead(frame[at:])
	if err != nil {
		return err
	}
	if op == wire.OpHello {
		return w.hello()
	}
	w.mu.Lock()
	st := w.ours[id]
	mute, leaves := st == nil || st.parted, st != nil && st.leaves
	w.mu.Unlock()
	switch {
	case st == nil:
	case op == wire.OpData && !mute:
		frame[at] = wispData
		binary.LittleEndian.PutUint32(frame[at+1:], st.theirs)
		return w.webSocket.Send(frame)
	case op == wire.OpConnected && !mute:
		return w.connected(st)
	case op == wire.OpFailed, op == wire.OpError:
		var f wire.Failure
		err = wire.Parse(rest, &f)
		st.reason = wispReason(&f) // no one else's until closed, which follows
	case op == wire.OpWrote:
		var n wire.Count
		if err = wire.Parse(rest, &n); err == nil {
			err = w.wrote(st, uint64(n))
		}
	case op == wire.OpFin && !mute:
		return w.fin(st)
	case op == wire.OpFinished && leaves:
		if s, _ := w.s.stream(id); s != nil {
			s.end(wire.ReasonClosed)
		}
	case op == wire.OpClosed:
		var c wire.Closed
		if err = wire.Parse(rest, &c); err == nil {
			err = w.closed(st, c.Reason)
		}
	}
	return err
}

// hello begins with how many packets of a stream may come, and in v2 with what there
// is; the packets then follow the client's INFO.
func (w *wisp) hello() error {
	if w.informed {
		return w.webSocket.Send(wispContinueFrame(0, wispCredit))
	}
	info := append(wispVersion[:], wispExtension(wispConfirmation)...)
	if w.s.user == stranger {
		const required = 1
		info = append(info, wispExtension(wispPassword, required)...)
	}
	defer w.await()
	return w.webSocket.Send(wispFrame(wispInfo, 0, info...))
}

// connected tells a client that wants to know.
func (w *wisp) connected(st *wispStream) error {
	w.mu.Lock()
	confirms := w.confirms
	if confirms {
		st.credit += wispCredit // beside what may be under way
	}
	w.mu.Unlock()
	if !confirms {
		return nil
	}
	return w.webSocket.Send(wispContinueFrame(st.theirs, wispCredit))
}

// wrote makes room for as much as the kernel took.
func (w *wisp) wrote(st *wispStream, n uint64) error {
	w.mu.Lock()
	st.wrote += n
	packets := st.renew()
	w.freed.Broadcast()
	w.mu.Unlock()
	return w.resume(st, packets)
}

// fin ends both ways, for Wisp knows no half: the client's behind what it has sent.
// Where nothing can be sent any more that is no orderly end, and whoever writes
// knows why.
func (w *wisp) fin(st *wispStream) error {
	s, _ := w.s.stream(st.ours)
	if s == nil {
		return nil
	}
	broken := dead(s.conn)
	if !s.hangUp() || broken {
		return nil
	}
	return w.leave(st, wispVoluntary)
}

// closed is the last word on a stream.
func (w *wisp) closed(st *wispStream, why wire.Reason) error {
	w.mu.Lock()
	delete(w.ours, st.ours)
	w.mu.Unlock()
	reason := byte(wispUnspecified) // the gateway leaves
	switch why {
	case wire.ReasonFailed, wire.ReasonError:
		reason = st.reason
	case wire.ReasonEnded:
		reason = wispVoluntary
	}
	return w.leave(st, reason)
}
