package bridge

import (
	"fmt"
	"io"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// reader takes the payload out of a client's frames (RFC 6455 §5). One read
// brings what there is, often many frames; their payload is unmasked and joined
// where it lies. So there is no copy of it, and no buffer while nothing comes.
type reader struct {
	source

	// What Next returns. With neither, it is what one read brought of one
	// message.
	whole bool // one message, of at most so many bytes
	most  int
	merge bool // what one read brought, of however many messages

	binary bool // a text message is not one of this session's

	// single is how many messages are not joined, where someone watches: so that
	// a picture of writes and reads can be drawn. Nil where no one does.
	single *rate.Limiter
	load   bool // what the last read brought is more than that

	// buf[from:to] is payload, and buf[at:have] what the client sent behind it.
	from, to, at, have int

	inside bool // a frame, of which left bytes are to come
	left   uint64
	key    [4]byte // its mask, from the next byte on
	last   bool    // it ends its message

	open   bool // a message has begun and not ended
	isText bool
	text   text

	// deaf: we have said goodbye, and want nothing more but the client's.
	deaf bool

	late error // what was wrong behind the payload that Next has returned

	idle *rate.Limiter // for frames that bring nothing; nil until one comes

	reads    atomic.Uint64 // that began, and that have ended
	throttle *throttle
	frames   int // of which the throttle has not been told

	// control takes what a control frame says.
	control func(opcode byte, payload []byte) error
}

// A frame without payload costs its sender next to nothing: so many may come a
// second, and so many at once.
const (
	idleRate  = 100
	idleBurst = 1000
)

// As many messages are single in a second, and as many at once. More are not a
// demonstration but a load.
const (
	singleRate  = 25
	singleBurst = 1024
)

// Next waits for payload. It is valid until the next call, and while Ready.
func (r *reader) Next() ([]byte, error) {
	r.from, r.to = r.at, r.at
	for {
		inside, err := r.begin()
		if inside && err == nil {
			var ended bool
			ended, err = r.take()
			switch {
			case err != nil:
			case ended && !(r.merge && r.joins()):
				return r.buf[r.from:r.to], nil
			case !r.inside:
				continue
			}
		}
		// What came is used, or wrong from here on.
		if r.some() {
			r.late = err
			return r.buf[r.from:r.to], nil
		}
		if err == nil {
			err = r.fill()
		}
		if err != nil {
			return nil, err
		}
	}
}

// some tells whether there is payload to return before anything else.
func (r *reader) some() bool { return r.to > r.from && !r.whole }

// Ready tells whether the next message is to be joined to this one: it has come,
// whole and in one frame. Then Next does not wait, and what it returned before
// stays valid.
func (r *reader) Ready() bool {
	if r.buf == nil {
		return false
	}
	h, n := parseHead(r.buf[r.at:r.have])
	return n > 0 && h.fin() && !h.control() && h.size <= uint64(r.have-r.at-n) && r.joins()
}

// joins tells whether what follows may be joined to the message that has ended.
func (r *reader) joins() bool {
	if r.single != nil && !r.load {
		r.load = !r.single.Allow()
	}
	return r.single == nil || r.load
}

// begin reads headers, and whole control frames, until it is inside a frame with
// data. It is false if bytes are missing.
func (r *reader) begin() (bool, error) {
	if err := r.late; err != nil || r.buf == nil {
		r.late = nil
		return false, err
	}
	for !r.inside {
		h, n := parseHead(r.buf[r.at:r.have])
		if n == 0 {
			return false, nil
		}
		r.frames++
		if !r.deaf {
			if err := r.judge(&h); err != nil {
				return false, err
			}
		}
		if h.control() && h.size <= maxControl {
			end := r.at + n + int(h.size)
			if end > r.have || h.opcode() == opClose && r.some() {
				return false, nil
			}
			p := r.buf[r.at+n : end]
			unmask(p, &h.key)
			r.at = end
			if err := r.budget(&h); err != nil {
				return false, err
			}
			if err := r.control(h.opcode(), p); err != nil {
				return false, err
			}
			continue
		}
		if err := r.budget(&h); err != nil {
			return false, err
		}
		r.at += n
		r.inside, r.left, r.key, r.last = true, h.size, h.key, h.fin()
		if h.opcode() != opContinuation {
			r.isText, r.text = h.opcode() == opText, text{}
		}
		r.open = !r.last
	}
	return true, nil
}

// judge holds a header to the rules, and to those of the mode.
func (r *reader) judge(h *head) error {
	if err := h.judge(); err != nil || h.control() {
		return err
	}
	switch {
	case h.opcode() == opContinuation && !r.open:
		return broken("RFC 6455 §5.4: a fragment of nothing")
	case h.opcode() != opContinuation && r.open:
		return broken("RFC 6455 §5.4: a message begins within another")
	case r.binary && h.opcode() == opText:
		return &violation{closeUnsupported, "only binary messages are understood here"}
	case r.whole && h.size > uint64(r.most-(r.to-r.from)):
		return &violation{closeTooBig, fmt.Sprintf("a message is at most %d bytes", r.most)}
	}
	return nil
}

// budget bounds how many frames may bring nothing. An empty one that ends a
// message is how some libraries do that.
func (r *reader) budget(h *head) error {
	if r.deaf || !h.control() && (h.size > 0 || h.fin() && h.opcode() == opContinuation) {
		return nil
	}
	if r.idle == nil {
		r.idle = rate.NewLimiter(idleRate, idleBurst)
	}
	if !r.idle.Allow() {
		return &violation{closePolicy, "too many control frames, or empty ones"}
	}
	return nil
}

// drop gives up what is held.
func (r *reader) drop() {
	r.release()
	r.from, r.to, r.at, r.have = 0, 0, 0, 0
}

// take takes what has come of the frame's payload, and tells whether the message
// ends with it.
func (r *reader) take() (ended bool, err error) {
	n := int(min(r.left, uint64(r.have-r.at)))
	p := r.buf[r.at : r.at+n]
	if !r.deaf {
		unmask(p, &r.key)
	}
	r.at += n
	r.left -= uint64(n)
	r.inside = r.left > 0
	ended = r.last && !r.inside
	switch {
	case r.deaf:
	case r.isText && !r.text.valid(p, ended):
		return ended, &violation{closeNotUTF8, "RFC 6455 §8.1: a text message is not UTF-8"}
	case r.to == r.from:
		r.from, r.to = r.at-n, r.at
	default:
		r.to += copy(r.buf[r.to:], p) // over p itself, perhaps
	}
	return ended, nil
}

// fill reads on, behind what is held.
func (r *reader) fill() error {
	held := r.to > r.from || r.at < r.have
	if !held {
		r.from, r.to, r.at, r.have = 0, 0, 0, 0
	} else if len(r.buf)-r.have < len(r.buf)/2 { // more room at the front
		to := copy(r.buf[:], r.buf[r.from:r.to])
		have := to + copy(r.buf[to:], r.buf[r.at:r.have])
		r.from, r.to, r.at, r.have = 0, to, to, have
	}
	r.reads.Add(1)
	n, err := r.read(r.have, len(r.buf), held)
	r.reads.Add(1)
	r.have += n
	r.throttle.came(r.frames, n)
	r.frames = 0
	r.load = false
	if err == io.EOF { // no close frame came before it
		return io.ErrUnexpectedEOF
	}
	return err
}
