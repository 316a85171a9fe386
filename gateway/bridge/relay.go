package bridge

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"porthole/wire"
	"porthole/wire/tap"
)

// relay is a WebSocket in raw mode: it is one TCP socket. Each message is
// written to the socket as it comes, of whatever size; each read comes back as
// one binary message. There is no queue between the two: whoever does not read
// holds up the other. A WebSocket has no half-close, so either end ends both.
type relay struct {
	b    *Bridge
	sock socket
	ctx  context.Context
	stop context.CancelFunc
}

func newRelay(ctx context.Context, b *Bridge, sock socket) *relay {
	r := &relay{b: b, sock: sock}
	r.ctx, r.stop = context.WithCancel(ctx)
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
		r.sock.Close(code, refused.Code+": "+refused.Syscall)
		return
	}
	closed := make(chan struct{})
	stop := context.AfterFunc(r.ctx, func() {
		defer close(closed)
		_ = conn.Close()
	})
	var down sync.WaitGroup
	down.Go(func() { r.down(conn) })
	if err := r.up(conn); err == nil {
		_ = finish(conn) // what the page sent is with the kernel: an orderly end
	}
	_ = conn.Close()
	down.Wait()
	if !stop() {
		<-closed // it closes conn, or has
	}
}

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

// up carries the page's messages to the socket. It returns nil if the page
// ended the WebSocket as it should.
func (r *relay) up(conn net.Conn) error {
	for {
		if _, err := r.sock.Next(); err != nil {
			return hungUp(err)
		}
		if err := r.message(conn); err != nil {
			return err
		}
	}
}

func (r *relay) message(conn net.Conn) error {
	buf := messages.Get().(*[]byte)
	defer messages.Put(buf)
	for {
		n, err := r.sock.Read(*buf)
		if n > 0 {
			if _, werr := conn.Write((*buf)[:n]); werr != nil {
				f := describe(wire.PhaseWrite, "write", werr)
				r.sock.Close(closeInternal, f.Code+": "+f.Syscall)
				return werr
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// down carries the socket's bytes to the page, and its end.
func (r *relay) down(conn net.Conn) {
	buf := messages.Get().(*[]byte)
	defer messages.Put(buf)
	for {
		n, err := conn.Read((*buf)[:wire.MaxMessage])
		if n > 0 && r.sock.Write((*buf)[:n]) != nil {
			return
		}
		switch {
		case err == io.EOF:
			r.sock.Close(closeNormal, "the server has ended")
			return
		case errors.Is(err, net.ErrClosed): // the page was first
			return
		case err != nil:
			f := describe(wire.PhaseRead, "read", err)
			r.sock.Close(closeInternal, f.Code+": "+f.Syscall)
			return
		}
	}
}
