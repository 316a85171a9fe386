// Package bus joins processes to a fleet: many gateways, and the tcpservers behind
// them, which are to be as one. On a [Bus] a member tells the others what its
// sockets do and how many of something it has, and leases names that only one of
// all may have at a time.
//
// [Memory] is a fleet within one process: a single gateway's. Package natsbus has
// one of many, over NATS. What holds of a Bus holds of both, and the same tests
// show it.
package bus

import (
	"context"
	"errors"

	"porthole/wire"
)

// Bus is one member's end. Its methods may be called from any goroutine; only
// Lease, Watch and Close wait for others.
type Bus interface {
	// Publish tells the others of an event. It never waits and keeps nothing of e:
	// what has no room is lost to them, which they are told and Stats counts.
	Publish(e *wire.Event)

	// Watch calls w with the events of the others until ctx ends, or the member has
	// left, which is its error: first those that are still in the history, then each as it comes.
	// The events of one member come in the order in which it published them.
	Watch(ctx context.Context, w Watcher) error

	// Count tells the others how many of something this member has.
	Count(key string, n int)
	// Others is how many of it they have: as they told, some time ago.
	Others(key string) int

	// Lease takes a key that no other lease in the fleet has, this member's own
	// included: else its error is ErrLeased. A lease lasts until it is released.
	// If it cannot be kept, because the rest of the fleet cannot be reached, lost
	// is called, once, before anyone else may have the key.
	Lease(ctx context.Context, key string, lost func()) (release func(), err error)

	// Members are who is there, this one included, in the order of their numbers.
	Members() []Member

	Stats() Stats

	// Close leaves the fleet: it waits until what was published is on its way, or
	// ctx ends, and then the member's presence, counts and leases end.
	Close(ctx context.Context) error
}

var (
	// ErrLeased: the key is someone else's for now.
	ErrLeased = errors.New("bus: another has leased this")
	// ErrLeft: the member has left the fleet.
	ErrLeft = errors.New("bus: the member has left the fleet")
)

// Member is a process of the fleet.
type Member struct {
	// Number tells it from those that are there at the same time; it is less than
	// 1<<20.
	Number uint64 `json:"number"`
	// Kind is what it is: "gateway" or "tcpserver".
	Kind string `json:"kind"`
	// Name is where it is reached.
	Name string `json:"name"`
}

// Watcher is told what the others do. Its functions are called one at a time, and
// hold up what is to come.
type Watcher struct {
	// Event takes an event of another member. Its Conn is in the whole fleet no
	// other's: the member's Number stands in front of the 32 bits of what it is
	// there. Approx tells that the times are of another machine's clock. Its Data
	// is valid during the call.
	Event func(e wire.Event)
	// Lost is told that n events never came: they had no room where they were
	// published, or the history has dropped them.
	Lost func(n uint64)
}

// Stats counts events since the member joined.
type Stats struct {
	Published    uint64 // by this member, those without room too
	Acknowledged uint64 // … that the fleet has, and keeps
	Dropped      uint64 // … that had no room
	Watched      uint64 // of the others
	Missed       uint64 // … that never came
}

// MaxMembers bounds the numbers of members, so that those of their connections
// are whole numbers in JavaScript too.
const MaxMembers = 1 << 20

// Globally is a connection's number in the fleet.
func Globally(member, conn uint64) uint64 {
	if conn == 0 { // it is none
		return 0
	}
	return member<<32 + conn
}
