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
	b     *Bridge
	sock  socket
	terms *terms
	life  life

	writing sync.Mutex // held while bytes go up, until it is told what broke that

	mu     sync.Mutex
	target Target             // of conn
	conn   net.Conn           // nil until dialled
	cancel context.CancelFunc // of the dial
	over   bool
}

// terms are how a dialect tells that a relay has ended.
type terms struct {
	// failed is the close frame for a socket that there is not, or no more.
	failed func(f *wire.Failure) (code int, reason string)
	// ended is the reason, with 1000, when the server has ended.
	ended string
}

// plain are the terms of raw mode.
var plain = &terms{
	failed: func(f *wire.Failure) (int, string) {
		code := closeInternal
		if f.Phase == wire.PhasePolicy {
			code = closePolicy
		}
		return code, f.Code + ": " + f.Syscall
	},
	ended: "the server has ended",
}

func newRelay(b *Bridge, sock socket, terms *terms) *relay {
	return &relay{b: b, sock: sock, terms: terms}
}

// run dials the target that find gives, and relays until either end is done. Why
// it failed is the close frame's reason.
func (r *relay) run(find func() (Target, *wire.Failure)) {
	defer r.sock.Abort()
	var refused *wire.Failure
	var dial sync.WaitGroup
	dial.Go(func() { refused = r.dial(find) }) // its stack grows, and ours stays
	dial.Wait()
	if refused != nil {
		r.end(refused)
		r.sock.Linger()
		return
	}
	defer r.b.vacate(r.target)
	var late *time.Timer
	var down sync.WaitGroup
	down.Go(func() {
		r.down()
		late = time.AfterFunc(closeWait, r.stop) // a server that has ended may take nothing more
	})
	err := r.up()
	if err == nil {
		_ = finish(r.conn) // what the page sent is with the kernel: an orderly end
	}
	r.stop()
	r.b.punish(r.sock, err)
	r.sock.Linger()
	down.Wait()
	late.Stop()
}

// stop ends the dial, or closes the socket.
func (r *relay) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	if r.conn != nil {
		_ = r.conn.Close()
	} else if r.cancel != nil {
		r.cancel()
	}
}

// end says why there is no socket, or no more.
func (r *relay) end(f *wire.Failure) {
	r.sock.Close(r.terms.failed(f))
}

// broke ends the session of a socket that broke.
func (r *relay) broke(phase wire.Phase, call string, err error) {
	f := describe(phase, call, err)
	r.end(&f)
}

func (r *relay) leave(code int, why string) {
	r.sock.Close(code, why)
	r.stop()
}

func (r *relay) bytes() (up, down uint64) { return r.life.up.Load(), r.life.down.Load() }

func (r *relay) look(now time.Time, l *Limits) string {
	return r.life.look(now, r.sock.Reads(), r.sock.Sends(), l)
}

func (r *relay) ping() { r.sock.Ping() }

func (r *relay) cut() {
	r.stop()
	r.sock.Abort()
}

func (r *relay) dial(find func() (Target, *wire.Failure)) *wire.Failure {
	t, f := find()
	if f != nil {
		return f
	}
	ctx, cancel := r.b.inForce().dial(context.Background())
	defer cancel()
	r.mu.Lock()
	r.cancel = cancel
	if r.over {
		cancel()
	}
	r.mu.Unlock()
	conn, f := r.b.newPlug(t, r.emit()).open(ctx, nil)
	r.target = t
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conn, r.cancel = conn, nil
	if r.over && conn != nil {
		_ = conn.Close()
	}
	return f
}

// listed is the target that a client names, the default if the name is empty.
func (b *Bridge) listed(name string, user *Grant) (t Target, f *wire.Failure) {
	var err error
	if name != "" {
		t, err = ParseTarget(name)
	}
	if err == nil {
		t, err = b.find(nil, t.Host, uint64(t.Port), user)
	}
	if err != nil {
		return t, b.forbid(user, name, 0)
	}
	return t, nil
}

func (r *relay) emit() tap.Emit {
	if r.b.Log == nil {
		return nil
	}
	return func(e wire.Event) {
		r.b.Log.Put(&e)
		r.b.share(&e, nil)
	}
}

// up carries the page's bytes to the socket. It returns nil if the page ended
// the WebSocket as it should.
func (r *relay) up() error {
	var to sink
	to.init(r.conn)
	for {
		p, err := r.sock.Next()
		if err != nil {
			return hungUp(err)
		}
		if len(p) == 0 {
			continue // a message of nothing
		}
		r.life.up.Add(uint64(len(p)))
		if err := r.write(&to, p); err != nil {
			return err
		}
	}
}

func (r *relay) write(to *sink, p []byte) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	_, err := to.write(p)
	if err != nil {
		r.broke(wire.PhaseWrite, "write", err)
	}
	return err
}

// down carries the socket's bytes to the page, and its end.
func (r *relay) down() {
	var src source
	src.init(r.conn)
	defer src.release()
	for {
		n, err := src.read(room, room+maxRead, false)
		if n > 0 {
			r.life.down.Add(uint64(n))
			b := src.buf[:room+n]
			if r.sock.Send(b[putHead(b, room, opBinary):]) != nil {
				return
			}
		}
		switch {
		case err == nil:
		case err == io.EOF:
			if dead(r.conn) { // then whoever writes to it knows why, and does not wait
				r.writing.Lock()
				defer r.writing.Unlock()
			}
			r.sock.Close(closeNormal, r.terms.ended)
			return
		case errors.Is(err, net.ErrClosed): // the page was first
			return
		default:
			r.broke(wire.PhaseRead, "read", err)
			return
		}
	}
}
