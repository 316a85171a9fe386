package bridge_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"porthole/wire"
)

// near is the page's end of a stream, message by message, and what the rules of
// package wire allow for what has happened. The model's monitor guards it.
type near struct {
	id       uint64
	up, down []byte // the tapes
	far      *far   // nil until both ends are connected

	// What the page did.
	granted int // bytes of credit
	sent    int
	fin     bool
	over    wire.Op // reset or close, whichever was first
	unread  bool    // … which left bytes unread
	tidy    bool    // … for which nothing was under way
	vain    string  // why the dial may fail
	doomed  bool    // … and must

	// What it was told.
	got, wrote      int
	connected       *wire.Connected
	failure         *wire.Failure
	ended, finished bool
	reason          wire.Reason // 0 until closed
}

// told takes a message of the gateway, or says what is wrong with it.
func (n *near) told(op wire.Op, rest []byte) error {
	switch op {
	case wire.OpConnected:
		if n.connected = new(wire.Connected); n.doomed {
			return fmt.Errorf("connected, want %s", n.vain)
		}
		return wire.Parse(rest, n.connected)
	case wire.OpData:
		from := n.got
		if n.got += len(rest); n.got > n.granted {
			return fmt.Errorf("%d bytes, and credit for %d", n.got, n.granted)
		}
		if f := n.far; f == nil || n.got > f.asked || !bytes.Equal(rest, n.down[from:n.got]) {
			return fmt.Errorf("bytes %d to %d are not as they were sent", from, n.got)
		}
	case wire.OpWrote:
		var count wire.Count
		if err := wire.Parse(rest, &count); err != nil {
			return err
		}
		if n.wrote += int(count); n.wrote > n.sent {
			return fmt.Errorf("wrote %d bytes of %d", n.wrote, n.sent)
		}
	case wire.OpFin:
		n.ended = true
		if f := n.far; f == nil || !f.broken() && (!f.finned || n.got != f.asked) {
			return fmt.Errorf("fin behind %d bytes, and the server: %v", n.got, f)
		}
	case wire.OpFinished:
		n.finished = true
		if !n.fin || n.wrote != n.sent {
			return fmt.Errorf("finished: fin %v, wrote %d of %d", n.fin, n.wrote, n.sent)
		}
	case wire.OpFailed, wire.OpError:
		n.failure = new(wire.Failure)
		return wire.Parse(rest, n.failure)
	case wire.OpClosed:
		var c wire.Closed
		if err := wire.Parse(rest, &c); err != nil {
			return err
		}
		n.reason = c.Reason
	}
	return nil
}

// may are the reasons for which the stream may have ended. leaving tells that the
// gateway is.
func (n *near) may(leaving bool) (why []wire.Reason) {
	switch n.over {
	case wire.OpReset:
		why = append(why, wire.ReasonReset)
	case wire.OpClose:
		why = append(why, wire.ReasonClosed)
	}
	if leaving {
		why = append(why, wire.ReasonShutdown)
	}
	if n.connected == nil && n.failure != nil && n.failure.Code == n.vain {
		why = append(why, wire.ReasonFailed)
	}
	if f := n.far; f != nil {
		if f.broken() {
			why = append(why, wire.ReasonError)
		}
		if n.finished && n.ended && (f.finned || f.closed) {
			why = append(why, wire.ReasonEnded)
		}
	}
	return why
}

// mayEnd tells whether anyone has done anything for which the stream may end.
func (n *near) mayEnd() bool {
	f := n.far
	return n.over != 0 || f == nil || f.broken() || n.fin && f.fin
}

// lacks tells what is still to come though no one does anything more; "" is
// nothing.
func (n *near) lacks() string {
	f := n.far
	switch {
	case n.reason != 0:
		if f != nil && f.end == nil && !f.paused {
			return "the server's end"
		}
	case n.over != 0 || n.failure != nil:
		return "closed"
	case f == nil:
		return "a connection"
	case f.broken(): // it shows once something goes either way
		if f.reset && n.granted > n.got && !n.ended {
			return "the error"
		}
	case !f.paused && len(f.in) < n.sent:
		return "bytes at the server"
	case !f.paused && n.fin && f.end == nil:
		return "the end at the server"
	case !f.paused && n.fin && !n.finished:
		return "finished"
	case n.got < min(f.asked, n.granted):
		return "bytes at the page"
	case f.fin && n.granted > f.asked && !n.ended:
		return "fin"
	case n.ended && n.finished:
		return "closed"
	}
	return ""
}

// arrived tells what is wrong with what the server read: gone tells that the page
// or the gateway is, which do not wait for what is under way.
func (n *near) arrived(gone bool) error {
	f := n.far
	switch {
	case f == nil:
		return nil
	case len(f.in) > n.sent || !bytes.Equal(f.in, n.up[:len(f.in)]):
		return fmt.Errorf("the server read %d bytes, which are not those that were sent", len(f.in))
	case f.end != io.EOF || gone || f.asked != f.given: // the kernel tells of RST once: maybe a write
		return nil
	case len(f.in) < n.sent:
		return fmt.Errorf("the server read %d bytes of %d to an orderly end", len(f.in), n.sent)
	case !n.fin && n.over != wire.OpClose:
		return errors.New("the server's connection was ended, and the page did not")
	case !n.fin && n.reason == wire.ReasonClosed && n.unread:
		return errors.New("the page left bytes unread, and the server is not told")
	}
	return nil
}

// settled tells what is wrong with a stream that has ended.
func (n *near) settled() error {
	f := n.far
	switch n.reason {
	case wire.ReasonEnded:
		if n.got != f.given || n.wrote != n.sent || !f.broken() && (f.given != f.asked || len(f.in) != n.sent) {
			return fmt.Errorf("it has ended, but is not complete: %v", n)
		}
	case wire.ReasonClosed:
		if n.tidy && f.end != io.EOF {
			return fmt.Errorf("nothing was lost, and the server is told that something was: %v", n)
		}
	case wire.ReasonError:
		if f := n.failure; f == nil || !slices.Contains([]string{"ECONNRESET", "EPIPE", "ENOTCONN"}, f.Code) {
			return fmt.Errorf("the connection broke for %+v", f)
		}
	}
	if f != nil && len(f.in) > n.wrote {
		return fmt.Errorf("the server read more than the page was told to be written: %v", n)
	}
	return nil
}

func (n *near) String() string {
	return fmt.Sprintf("stream %d: sent %d, wrote %d, got %d, granted %d, fin %v, over %d, connected %v, failure %+v, ended %v, finished %v, closed %v; the server: %v",
		n.id, n.sent, n.wrote, n.got, n.granted, n.fin, n.over, n.connected != nil, n.failure, n.ended, n.finished, n.reason, n.far)
}
