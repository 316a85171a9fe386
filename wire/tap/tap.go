// Package tap reports what TCP and Unix sockets do. It wraps a net.Listener or
// a net.Conn, changes nothing about it, and tells each socket call and its
// outcome as a [wire.Event]:
//
//	l, err := net.Listen("tcp", "localhost:1234")
//	...
//	log := &tap.Log{}
//	err = server.Serve(ctx, tap.Listener(l, log.Add))
//
// The same code watches both ends of a connection, so that their events can be
// laid side by side. It never invents one: no SYN, no ACK, nothing that a
// socket call did not do or tell.
//
// [Log] keeps the last events and streams them over HTTP; [Watch] reads such a
// stream.
package tap

import (
	"time"

	"porthole/wire"
)

// Emit takes an event as it happens, on the goroutine of the socket call, whose
// connection it holds up: it must not block, nor call that connection. The
// event's Data is the caller's again once it returns.
type Emit func(wire.Event)

// started anchors the clock of this process.
var started = time.Now()

// Now is the time for an event: nanoseconds since the Unix epoch when the
// process started, and monotonic from there.
func Now() int64 { return started.UnixNano() + int64(time.Since(started)) }
