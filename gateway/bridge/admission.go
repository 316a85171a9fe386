package bridge

import (
	"net/http"
	"net/netip"
	"time"

	"porthole/wire"
)

// busy is why a session is not let in now, and may be later.
type busy struct {
	reason string
	status int
	retry  string // in so many seconds
	text   string
}

func (e *busy) Error() string { return e.text }

const leaving = "the gateway is leaving"

var (
	errLeaving  = &busy{"leaving", http.StatusServiceUnavailable, "5", "this gateway is leaving; try again in a moment"}
	errSessions = &busy{"sessions", http.StatusServiceUnavailable, "30", "this gateway has as many sessions as it takes; try again in a while"}
	errMemory   = &busy{"memory", http.StatusServiceUnavailable, "30", "this gateway has as much at hand as its memory allows; try again in a while"}
	errClient   = &busy{"client", http.StatusTooManyRequests, "30", "your address has as many sessions as it may have; close one"}
	errUser     = &busy{"user", http.StatusTooManyRequests, "30", "you have as many sessions as you may have, on all gateways; close one"}
	errUpgrades = &busy{"rate", http.StatusTooManyRequests, "1", "too many new sessions from your address; try again in a moment"}
)

// pass is what a session was let in with.
type pass struct {
	peer     string       // the client, as the log has it
	client   netip.Prefix // whom it counts for; zero for this machine's own
	grant    *Grant       // nil if no one is asked who he is
	expelled bool         // it was told to end; sweep's alone
}

// enter counts a session in, or tells why not. It is counted until exit.
func (b *Bridge) enter(r *http.Request, g *Grant) (*pass, *busy) {
	addr := b.Policy.Client(r)
	p := &pass{peer: r.RemoteAddr, grant: g}
	if addr.IsValid() && addr != b.Policy.peer(r) { // a proxy's client
		p.peer = addr.String()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.limited()
	switch {
	case b.leaving:
		return nil, errLeaving
	case over(b.entered+1, l.Sessions):
		return nil, errSessions
	case pressed():
		return nil, errMemory
	}
	if addr.IsValid() && !addr.IsLoopback() {
		p.client = household(addr)
		if full := b.clients.enter(p.client, l); full != nil {
			return nil, full
		}
	}
	if full := b.enroll(g); full != nil {
		if p.client.IsValid() {
			b.clients.leave(p.client)
		}
		return nil, full
	}
	b.entered++
	b.running.Add(1)
	return p, nil
}

// recognize lets the client of a session have shown who it is only now, or tells
// why he may have no session more. Its reader calls it.
func (b *Bridge) recognize(s *session, g *Grant) *busy {
	b.mu.Lock()
	defer b.mu.Unlock()
	if full := b.enroll(g); full != nil {
		return full
	}
	s.user = g
	b.sessions[s].grant = g
	return nil
}

// limited are the limits in force. mu is held.
func (b *Bridge) limited() *Limits {
	if b.limits == nil {
		l := b.Limits.WithDefaults()
		b.limits, b.clients, b.targets, b.sessions = &l, clients{}, map[Target]int{}, map[member]*pass{}
		b.users = map[string]int{}
	}
	return b.limits
}

// inForce are the limits in force.
func (b *Bridge) inForce() *Limits {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.limited()
}

// exit counts a session out. mu is held.
func (b *Bridge) exit(p *pass) {
	b.entered--
	b.discharge(p.grant)
	if p.client.IsValid() {
		b.clients.leave(p.client)
	}
}

func (b *Bridge) admit(m member, p *pass) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions[m] = p
	if b.sweeper == nil {
		b.sweeper = time.AfterFunc(sweepEvery, b.sweep)
	}
	// Since enter, the bridge may have begun to leave, or be over.
	if b.leaving {
		b.running.Go(func() { m.leave(closeGoingAway, leaving) })
	}
	if b.over {
		b.running.Go(m.cut)
	}
}

func (b *Bridge) dismiss(m member) {
	b.mu.Lock()
	p := b.sessions[m]
	delete(b.sessions, m)
	up, down := m.bytes()
	b.up += up
	b.down += down
	if len(b.sessions) == 0 {
		b.sweeper.Stop()
		b.sweeper = nil
		b.clients.forget()
	}
	b.exit(p)
	b.mu.Unlock()
	b.logger().Info("session ends", "peer", p.peer)
}

// occupy counts a socket to a target in, until vacate, or tells why there may be
// no more.
func (b *Bridge) occupy(t Target) *wire.Failure {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := refusal(t.Host, uint64(t.Port))
	switch {
	case over(b.targets[t]+1, b.limited().Target):
		b.tally("crowded")
		f.Code, f.Errno = "EAGAIN", 11
	case pressed():
		b.tally("memory")
		f.Code, f.Errno = "ENOMEM", 12
	default:
		b.targets[t]++
		return nil
	}
	return &f
}

func (b *Bridge) vacate(t Target) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.targets[t]--; b.targets[t] == 0 {
		delete(b.targets, t)
	}
}

// sweepEvery is how often the limits in time are looked at, all at once: a timer
// for each session would cost more than the session.
const sweepEvery = time.Second

// sweep ends what has outlived a limit. It runs while there are sessions.
func (b *Bridge) sweep() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sweeper == nil {
		return
	}
	b.sweeper.Reset(sweepEvery)
	b.clients.forget()
	now := time.Now()
	for m, p := range b.sessions {
		why := m.look(now, b.limits)
		if !p.grant.holds(now) {
			why = lateAccess
		}
		if why == "" || p.expelled {
			continue
		}
		if why == duePing {
			b.running.Go(m.ping)
			continue
		}
		p.expelled = true
		b.tally(why)
		b.logger().Info("session is ended", "reason", why, "peer", p.peer)
		if why == lateBlocked || why == lateSilent {
			b.running.Go(m.cut) // it would not read why
		} else {
			b.running.Go(func() { m.leave(closePolicy, lateTexts[why]) })
		}
	}
}
