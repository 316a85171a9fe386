package bridge

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"porthole/wire"
	"porthole/wire/tap"
)

// relay is a WebSocket in raw mode: it is one TCP socket. The page's messages
// are written to the socket as they come, of whatever size; each read comes back
// as one binary message. There is no queue between the two: whoever does not
// read holds up the other. A WebSocket has no half-close, so either end ends
// both.
type relay struct {
	b    *Bridge
	sock socket
	ctx  context.Context
	stop context.CancelFunc
}

func newRelay(b *Bridge, sock socket) *relay {
	r := &relay{b: b, sock: sock}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// run dials the target, the first listed if the name is empty, and relays until
// either end is done. Why it failed is the close frame's reason.
func (r *relay) run(name string) {
	defer r.sock.Abort()
	defer r.stop()
	conn, refused := r.dial(name)
	if refused != nil {
		code := closeInternal
		if refused.Phase == wire.PhasePolicy {
			code = closePolicy
		}
		r.end(code, refused)
		_, _ = r.sock.Next()
		return
	}
	closed := make(chan struct{})
	stop := context.AfterFunc(r.ctx, func() {
		defer close(closed)
		_ = conn.Close()
	})
	var late *time.Timer
	var down sync.WaitGroup
	down.Go(func() {
		r.down(conn)
		late = time.AfterFunc(closeWait, r.stop) // a server that has ended may take nothing more
	})
	err := r.up(conn)
	if err == nil {
		_ = finish(conn) // what the page sent is with the kernel: an orderly end
	}
	_ = conn.Close()
	r.b.punish(r.sock, err)
	_, _ = r.sock.Next() // the rest of the close handshake, if one has begun
	down.Wait()
	late.Stop()
	if !stop() {
		<-closed // it closes conn, or has
	}
}

// end says why there is no socket, or no more.
func (r *relay) end(code int, f *wire.Failure) { r.sock.Close(code, f.Code+": "+f.Syscall) }

func (r *relay) leave() {
	r.sock.Close(closeGoingAway, "the gateway is leaving")
	r.stop()
}

func (r *relay) cut() {
	r.stop()
	r.sock.Abort()
}

func (r *relay) dial(name string) (net.Conn, *wire.Failure) {
	var t Target
	var err error
	if name != "" {
		t, err = ParseTarget(name)
	}
	if err == nil {
		t, err = r.b.Policy.find(t.Host, uint64(t.Port))
	}
	if err != nil {
		r.b.count("target")
		f := refusal(name, 0)
		return nil, &f
	}
	ctx, cancel := context.WithTimeout(r.ctx, dialTimeout)
	defer cancel()
	return r.b.newPlug(t, r.emit()).open(ctx, nil)
}

func (r *relay) emit() tap.Emit {
	if r.b.Log == nil {
		return nil
	}
	return r.b.Log.Add
}

// up carries the page's bytes to the socket. It returns nil if the page ended
// the WebSocket as it should.
func (r *relay) up(conn net.Conn) error {
	var to sink
	to.init(conn)
	for {
		p, err := r.sock.Next()
		if err != nil {
			return hungUp(err)
		}
		if len(p) == 0 {
			continue // a message of nothing
		}
		if _, err := to.write(p); err != nil {
			f := describe(wire.PhaseWrite, "write", err)
			r.end(closeInternal, &f)
			return err
		}
	}
}

// down carries the socket's bytes to the page, and its end.
func (r *relay) down(conn net.Conn) {
	var src source
	src.init(conn)
	defer src.release()
	for {
		n, err := src.read(room, room+maxRead, false)
		if n > 0 {
			b := src.buf[:room+n]
			if r.sock.Send(b[putHead(b, room, opBinary):]) != nil {
				return
			}
		}
		switch {
		case err == nil:
		case err == io.EOF:
			r.sock.Close(closeNormal, "the server has ended")
			return
		case errors.Is(err, net.ErrClosed): // the page was first
			return
		default:
			f := describe(wire.PhaseRead, "read", err)
			r.end(closeInternal, &f)
			return
		}
	}
}
