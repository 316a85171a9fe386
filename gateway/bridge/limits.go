package bridge

import (
	"cmp"
	"context"
	"time"

	"golang.org/x/time/rate"

	"porthole/wire"
)

// Limits bound what a bridge, a client of it and a session may take. A field
// that is zero has its default; one that is negative is no limit.
type Limits struct {
	// Sessions is how many WebSockets there may be. The default is what the
	// process's descriptors allow (RLIMIT_NOFILE): each has a socket of its own,
	// and a session of many sockets is not refused here but fails to dial.
	Sessions int
	// Client is how many of them one client may have: an IPv4 address, or the
	// /64 of an IPv6 one. This machine's own are not counted. Default 64.
	Client int
	// User is how many a user may have (Grant.User), those on other gateways of
	// the fleet included. Default 256.
	User int
	// Upgrades is how many a client may open in a second, and ten times as many
	// at once. This machine's own are not counted. Default 10.
	Upgrades float64
	// Target is how many sockets there may be to one target. Default 16384.
	Target int
	// Streams is how many sockets a session may have: 256 at most, which is the
	// default.
	Streams int
	// Dials is how many of them, and of lookups, a session may begin in a second,
	// and Streams at once.
	// What is too much waits, for as long as a dial may take. Default 100.
	Dials float64
	// Message is how many bytes a message of porthole.v1 may have: between 1 KiB
	// and wire.MaxMessage, which is the default.
	Message int
	// Frames is how many frames a client may send in a second, and as many at
	// once; Bytes how many bytes each way, with headers. What is too much waits.
	// This machine's own are not held up. Default 10,000, and 32 MiB.
	Frames, Bytes float64
	// Buffer is how many bytes a kernel may hold each way of a TCP socket, the
	// page's as well as the target's. It keeps about as much beside them for its
	// own needs, and bounds what it can be asked for (Linux: net.core.wmem_max
	// and rmem_max). A negative one leaves it to the kernel, which holds many MiB
	// for who does not read. Default 512 KiB: at a round trip of 100 ms it allows
	// 5 MB/s.
	Buffer int

	// Dial is how long a dial may take, resolution included. Default 10 s.
	Dial time.Duration
	// Idle is how long a WebSocket may be without a byte for or from a socket.
	// Frames that bring none do not count. Default 1 h.
	Idle time.Duration
	// HalfClosed is how long a socket one of whose ways has ended may be without
	// a byte. Default 5 min.
	HalfClosed time.Duration
	// Age is how long a WebSocket may live. Default 24 h.
	Age time.Duration
	// Blocked is how long a page may take nothing of what there is for it.
	// Default 1 min.
	Blocked time.Duration
	// Ping is how long a page may be silent before it is asked whether it is
	// there (RFC 6455 §5.5.2), which also keeps what is in between from taking the
	// connection for a dead one. A page that does not answer within Blocked is
	// gone. Default 25 s.
	Ping time.Duration
	// Unacked is how long a target may leave unacknowledged what was sent to it,
	// or have no room for more (Linux: TCP_USER_TIMEOUT; elsewhere the kernel's
	// own time holds). Default 5 min.
	Unacked time.Duration
}

// Defaults of Limits.
const (
	defaultClient     = 64
	defaultUser       = 256
	defaultUpgrades   = 10
	defaultTarget     = 16384
	maxStreams        = 256
	defaultDials      = 100
	defaultDial       = 10 * time.Second
	defaultIdle       = time.Hour
	defaultHalfClosed = 5 * time.Minute
	defaultAge        = 24 * time.Hour
	defaultBlocked    = time.Minute
	defaultPing       = 25 * time.Second
	defaultUnacked    = 5 * time.Minute
	defaultFrames     = 10_000
	defaultBytes      = 32 << 20
	defaultBuffer     = 512 << 10
	minMessage        = 1 << 10
)

// WithDefaults fills in what is zero.
func (l Limits) WithDefaults() Limits {
	streams := l.Streams
	if streams <= 0 {
		streams = maxStreams
	}
	message := l.Message
	if message <= 0 {
		message = wire.MaxMessage
	}
	return Limits{
		Sessions:   cmp.Or(l.Sessions, sessionsByDescriptors()),
		Client:     cmp.Or(l.Client, defaultClient),
		User:       cmp.Or(l.User, defaultUser),
		Upgrades:   cmp.Or(l.Upgrades, defaultUpgrades),
		Target:     cmp.Or(l.Target, defaultTarget),
		Streams:    min(streams, maxStreams),
		Dials:      cmp.Or(l.Dials, defaultDials),
		Message:    max(minMessage, min(message, wire.MaxMessage)),
		Frames:     cmp.Or(l.Frames, defaultFrames),
		Bytes:      cmp.Or(l.Bytes, defaultBytes),
		Buffer:     cmp.Or(l.Buffer, defaultBuffer),
		Dial:       cmp.Or(l.Dial, defaultDial),
		Idle:       cmp.Or(l.Idle, defaultIdle),
		HalfClosed: cmp.Or(l.HalfClosed, defaultHalfClosed),
		Age:        cmp.Or(l.Age, defaultAge),
		Blocked:    cmp.Or(l.Blocked, defaultBlocked),
		Ping:       cmp.Or(l.Ping, defaultPing),
		Unacked:    cmp.Or(l.Unacked, defaultUnacked),
	}
}

// dial bounds a dial that begins now.
func (l *Limits) dial(ctx context.Context) (context.Context, context.CancelFunc) {
	if l.Dial < 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, l.Dial)
}

// over tells whether n, counted already, is more than a limit.
func over(n, limit int) bool { return limit >= 0 && n > limit }

// lapsed tells whether a time is longer than a limit.
func lapsed(d, limit time.Duration) bool { return limit >= 0 && d > limit }

// limiter allows so many a second, and so many at once. It is nil if there is no
// limit.
func limiter(perSecond float64, burst int) *rate.Limiter {
	if perSecond < 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), burst)
}
