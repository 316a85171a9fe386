package bridge

import (
	"fmt"
	"math"
	"slices"

	"porthole/wire"
)

// wispNothing is a message that says nothing to a session.
var wispNothing = []byte{0, 0}

// Next waits for what the client sent, and turns it into a message for the session.
// A packet of data is of any size: it is taken in pieces, as they come.
func (w *wisp) Next() ([]byte, error) {
	p, err := w.webSocket.Next()
	if err != nil {
		return nil, err
	}
	if w.isText {
		return nil, &violation{closeUnsupported, "Wisp has only binary messages"}
	}
	ended := !w.inside && !w.open
	if w.goes {
		w.goes = !ended
		return wispNothing, w.pour(p, ended)
	}
	if w.part != nil {
		p = append(w.part, p...)
		w.part = nil
	}
	data := len(p) >= wispHead && p[0] == wispData
	switch {
	case !data && len(p) > wispMost:
		return nil, &violation{closeTooBig, fmt.Sprintf("Wisp: a packet but of data is at most %d bytes", wispMost)}
	case !data && !ended:
		w.part = slices.Clone(p)
		return wispNothing, nil
	}
	w.goes = !ended
	return w.packet(p, ended)
}

// Ready is a webSocket's: also a packet has to have come whole.
func (w *wisp) Ready() bool { return !w.goes && w.part == nil && w.webSocket.Ready() }

// packet turns a packet, or what has come of one of data, into a message.
func (w *wisp) packet(p []byte, ended bool) ([]byte, error) {
	kind, id, body, err := parseWispHead(p)
	switch {
	case err != nil:
		return nil, err
	case kind == wispInfo && !w.informed:
		return wispNothing, w.inform(body)
	case !w.informed:
		return nil, broken("Wisp: a client of v2 begins with INFO")
	case kind == wispData:
		return w.data(id, p, ended)
	case kind == wispConnect:
		return w.connect(id, body)
	case kind == wispClose:
		return w.hangUp(id, body)
	}
	return wispNothing, nil // not a client's, or of a later version
}

// inform takes the INFO of a client of v2: what it knows, and who it is.
func (w *wisp) inform(body []byte) error {
	list := parseWispInfo(body)
	if list == nil {
		w.refuse(wispIncompatible, "this is no INFO of Wisp v2")
		return nil
	}
	if w.s.user == stranger && !w.login(list[wispPassword]) {
		return nil
	}
	w.mu.Lock()
	_, w.confirms = list[wispConfirmation]
	w.informed = true
	w.mu.Unlock()
	return w.webSocket.Send(wispContinueFrame(0, wispCredit))
}

// login tells whether a stranger has shown who he is, or else ends the WebSocket.
func (w *wisp) login(shown []byte) bool {
	b := w.s.b
	user, password, ok := parseWispPassword(shown)
	if ok {
		if g := b.Password(user, password); g != nil {
			if full := b.recognize(w.s, g); full != nil {
				b.count(full.reason)
				w.refuse(wispThrottled, full.text)
				return false
			}
			g.tell(b.logger()).Info("the client has shown who it is")
			return true
		}
	}
	b.count("access")
	b.logger().Warn("a client has not shown who it is") // not what it showed, which may be another's key
	if ok {
		w.refuse(wispBadPassword, "user and password are not those of a key")
	} else {
		w.refuse(wispNoPassword, "this gateway is for those who have a key: its name and itself are user and password")
	}
	return false
}

// connect begins a stream. What is not to be had has no place in the session.
func (w *wisp) connect(id uint32, body []byte) ([]byte, error) {
	host, port, ok := parseWispConnect(body)
	w.mu.Lock()
	if id == 0 || w.theirs[id] != nil {
		w.mu.Unlock()
		return nil, broken("Wisp: CONNECT for a stream that is open, or for 0")
	}
	reason := byte(wispInvalid)
	if ok && w.last+2 > wispLast {
		ok, reason = false, wispThrottled
	}
	if !ok {
		w.mu.Unlock()
		return wispNothing, w.webSocket.Send(wispFrame(wispClose, id, reason))
	}
	w.last += 2
	st := &wispStream{theirs: id, ours: w.last, credit: wispCredit}
	w.theirs[st.theirs], w.ours[st.ours] = st, st
	w.mu.Unlock()
	return wire.Append(nil, wire.OpDial, st.ours, &wire.Dial{Host: host, Port: uint64(port)}), nil
}

// hangUp ends a stream as its client asks for. In order it ends behind all that the
// client sent: Wisp has no other way to say that nothing more comes.
func (w *wisp) hangUp(id uint32, body []byte) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	st := w.theirs[id]
	if st == nil {
		return wispNothing, nil // it has ended here too
	}
	w.parts(st)
	switch {
	case len(body) > 0 && body[0] != wispUnspecified && body[0] != wispVoluntary:
		return wire.AppendHead(nil, wire.OpReset, st.ours), nil
	case st.up > st.wrote:
		st.leaves = true
		return wire.AppendHead(nil, wire.OpFin, st.ours), nil
	}
	all := wire.Count(math.MaxUint64) // what the client has not read, no one knows
	return wire.Append(nil, wire.OpClose, st.ours, &all), nil
}

// data takes a packet of data, or its first piece. One for a stream that has ended is
// no fault: the client may not know.
func (w *wisp) data(id uint32, p []byte, ended bool) ([]byte, error) {
	w.mu.Lock()
	st := w.theirs[id]
	w.into = st
	if st == nil {
		w.mu.Unlock()
		return wispNothing, nil
	}
	st.came++
	beyond := st.came > st.credit
	w.mu.Unlock()
	if beyond {
		w.s.b.count("credit")
		return wire.AppendHead(nil, wire.OpReset, st.ours), w.leave(st, wispThrottled)
	}
	if ok, err := w.admit(st, len(p)-wispHead, ended); !ok {
		return wispNothing, err
	}
	wire.AppendHead(p[:0], wire.OpData, st.ours)
	return p, nil
}

// pour hands on a further piece of a packet: it has no head to write over.
func (w *wisp) pour(p []byte, ended bool) error {
	if w.into == nil {
		return nil
	}
	if ok, err := w.admit(w.into, len(p), ended); !ok {
		return err
	}
	return w.s.handle(wire.OpData, w.into.ours, p)
}

// admit waits until a stream's window has room for n bytes; it is false if they are
// not wanted any more. Packets within the credit can be more than a window only if
// they are large: small ones never wait.
func (w *wisp) admit(st *wispStream, n int, ended bool) (bool, error) {
	if w.full(st, n) {
		if err := w.s.flush(); err != nil { // what is not with the stream makes no room
			return false, err
		}
		w.s.settle()
	}
	w.mu.Lock()
	for w.fullLocked(st, n) {
		w.freed.Wait()
	}
	wanted := !st.parted && !w.ending
	var packets uint32
	if wanted {
		st.up += uint64(n)
		if ended && st.came%wispRenewal == 0 {
			st.marks = append(st.marks, st.up)
		}
		packets = st.renew() // for one that is empty there is no receipt
	}
	w.mu.Unlock()
	return wanted, w.resume(st, packets)
}

func (w *wisp) full(st *wispStream, n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fullLocked(st, n)
}

func (w *wisp) fullLocked(st *wispStream, n int) bool {
	return st.up-st.wrote+uint64(n) > wire.Window && !st.parted && !w.ending
}
