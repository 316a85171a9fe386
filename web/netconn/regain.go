package netconn

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"

	"porthole/web/client"
)

// A listener outlives its gateway: when its session is gone, it is listened on again
// in the next one. One goroutine of the Dialer's does so for all of them, for as long
// as any is lost.

// patience is how long a port may be refused from the first time on. A gateway that
// was killed keeps it for some seconds, and so does one that has not noticed yet
// that we are gone.
const patience = 30 * time.Second

// lose notes a listener that is to be listened on again. turn is held.
func (d *Dialer) lose(l *Listener) {
	d.lost = append(d.lost, l)
	if d.stop == nil {
		var ctx context.Context
		ctx, d.stop = context.WithCancel(context.Background())
		go d.regain(ctx)
	}
}

// settle forgets a listener that listens, or never will. turn is held.
func (d *Dialer) settle(l *Listener) {
	d.lost = slices.DeleteFunc(d.lost, func(lost *Listener) bool { return lost == l })
	if len(d.lost) == 0 && d.stop != nil {
		d.stop()
		d.stop = nil
	}
}

// regain listens again until no listener is lost.
func (d *Dialer) regain(ctx context.Context) {
	var backoff client.Backoff
	for {
		select {
		case <-time.After(time.Duration(backoff.Next(rand.Float64())) * time.Millisecond):
		case <-ctx.Done():
			return
		}
		s, err := d.reach(ctx)
		d.turn.Lock()
		for _, l := range slices.Clone(d.lost) {
			switch {
			case ctx.Err() != nil || l.closed: // while another was asked for
			case errors.Is(err, errBarred):
				l.end(err)
			case err == nil:
				l.again(ctx, s)
			}
		}
		d.turn.Unlock()
	}
}

// again asks a session for the listener that there was. turn is held, but for the
// time until there is an answer.
func (l *Listener) again(ctx context.Context, s *session) {
	l.ask(s)
	l.await(ctx)
	if l.refusal == nil || l.closed || l.err != nil {
		return
	}
	now := time.Now()
	if l.refused.IsZero() {
		l.refused = now
	}
	most := l.s.d.patience
	if most == 0 {
		most = patience
	}
	if errors.Is(l.refusal, syscall.EACCES) || now.Sub(l.refused) > most {
		l.end(l.refusal)
	}
}
