package bridge

import (
	"context"
	"strconv"
	"time"

	"porthole/wire"
)

// Fleet is what a bridge and others like it tell each other, so that their limits
// are those of all of them; package bus has some.
type Fleet interface {
	// Count tells the others how many of something this one has.
	Count(key string, n int)
	// Others is how many they have, as far as they told.
	Others(key string) int
	// Lease takes a key that no one else has, until it is released, or is lost.
	Lease(ctx context.Context, key string, lost func()) (release func(), err error)
}

// userKey is under which key the sessions of a user are counted.
func userKey(user string) string { return "sessions of " + user }

// enroll counts a session of a user in, or tells why not; of those on other
// gateways, as they told. mu is held.
func (b *Bridge) enroll(g *Grant) *busy {
	if g == nil || g.User == "" {
		return nil
	}
	key, n := userKey(g.User), b.users[g.User]+1
	others := 0
	if b.Fleet != nil {
		others = b.Fleet.Others(key)
	}
	if over(n+others, b.limited().User) {
		return errUser
	}
	b.census(g, n)
	return nil
}

// discharge counts one out. mu is held.
func (b *Bridge) discharge(g *Grant) {
	if g != nil && g.User != "" {
		b.census(g, b.users[g.User]-1)
	}
}

func (b *Bridge) census(g *Grant, n int) {
	if b.users[g.User] = n; n == 0 {
		delete(b.users, g.User)
	}
	if b.Fleet != nil {
		b.Fleet.Count(userKey(g.User), n)
	}
}

// leaseWait bounds how long a listener waits for its port to be leased.
const leaseWait = 5 * time.Second

// lease makes a port that was asked for the page's in the whole fleet: which
// gateway a page is at it does not choose. Any free port, and one of a loopback
// that is a session's own, is no one else's anyway.
func (ln *listening) lease(port uint64) *wire.Failure {
	s := ln.s
	if s.b.Fleet == nil || port == 0 || s.b.Policy.SessionLoopback {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, leaseWait)
	defer cancel()
	release, err := s.b.Fleet.Lease(ctx, "port "+strconv.FormatUint(port, 10), func() {
		s.b.logger().Warn("the lease of a port is lost", "port", port)
		s.mu.Lock()
		defer s.mu.Unlock()
		ln.close()
	})
	if err != nil {
		s.b.count("leased")
		s.b.logger().Info("no listener", "port", port, "error", err)
		return &wire.Failure{Phase: wire.PhaseListen, Code: "EADDRINUSE", Errno: 98, Syscall: "listen", Port: port}
	}
	ln.release = release
	return nil
}
