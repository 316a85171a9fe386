// Package wire is the contract between a page and a gateway: the subprotocol
// porthole.v1 and the events it carries. Neither end owns it.
//
// # Messages
//
// One WebSocket is one session; it carries many TCP sockets. Every message is
// binary, at most [MaxMessage] bytes, and starts with
//
//	op  1 byte   what it is
//	id  uvarint  the stream, or the request, it is about; 0 is the session
//
// For data the bytes follow as they are. For all others fields follow, in the
// order below: numbers as uvarints, strings and lists with their length in
// front. A reader skips an op that it does not know, and fields behind those
// that it knows, so both may be added. Ids are odd from the page, even from
// the gateway, and never used twice in a session.
//
//	page → gateway
//	resolve  host family               → resolved, or failed
//	dial     host address port window  → connected, or failed and closed
//	         options…
//	data     bytes                     for the socket
//	fin                                after the last data: shut down our side
//	reset                              abort: the peer gets RST
//	close    read                      end both ways, discard what is unsent
//	credit   n                         n more bytes may be sent to the page
//	option   name value                set a socket option
//	lab      verb value                pause, resume, limit, end or reset the
//	                                   server's end; close or listen, id 0
//	observe  sample                    look at the kernels so often, id 0
//	listen   host port family          → listening, or failed
//	unlisten                           → unlistened
//
//	gateway → page
//	hello      window message streams copy targets… offers…   first, id 0
//	resolved   addresses…
//	connected  conn local remote       as the kernel tells them
//	failed     phase code errno syscall address port ms conn
//	data       bytes                   from the socket
//	wrote      n                       the kernel took n bytes; n more may come
//	fin                                the peer has ended its side
//	finished                           our side is shut down
//	error      as failed               what broke the socket
//	closed     reason                  the last word on a stream, exactly one
//	events     event…                  what sockets did; see [Event]
//	lost       n                       n events did not fit; sockets unaffected
//	kernel     client server           both sockets, when anything has changed
//	listening  local                   where connections are accepted
//	accepted   listener conn local     a connection, as a new stream
//	           remote
//	unlistened                         the last word on a listener, exactly one
//
// # Listeners
//
// A listener has an id as a stream has. What it accepts is a stream of the
// gateway's: the page has given no credit for it yet, so nothing of it is read
// until the page does. A gateway whose session has as many streams as it may
// accepts no more until one has ended. Unlisten refuses what has not been
// announced; what has stays open. A host that is empty is wherever the gateway
// lets pages listen, and port 0 is any free one; listening tells which.
//
// # Lab
//
// What hello offers works here: "events", "lab" (the verbs of a connection),
// "server" (close and listen), "kernel", and "user": the gateway knows who this
// is, which may end. A page steers the server's end of a connected stream of its
// own and of no other. Verbs are carried out in their order, and bytes that the
// page sends behind one reach the socket behind it. No verb is answered: what it
// did is an event. A server's end that is still paused when its stream has ended
// is resumed, for no one could any more.
//
// # Flow
//
// Each direction of a stream has a window of bytes under way, and whoever sends
// beyond it breaks the protocol. The page begins with hello's window and gets
// back what wrote says. The gateway begins with dial's window, [MaxWindow] at
// most, and gets back what credit says; without credit it does not read the
// socket, so the peer's kernel holds the bytes and then the peer. A page that
// gives credit in quarters of its window keeps the gateway busy.
//
// A wrote may wait for a message to travel with, for at most 160 ms; not for
// more once half of the window is owed.
//
// # Ends
//
// FIN, RST and close are three things. The last bytes always precede them. A
// close that says fewer bytes were read than had come for the page resets the
// peer, as a kernel does for unread bytes. A stream has ended when closed
// comes, never before and never twice; a dial that fails has one too. What
// refuses or breaks a socket speaks in band, with a phase and a POSIX name: a
// refusal by policy is EACCES, or EMFILE, EAGAIN or ENOMEM where a limit is
// reached, so that it never looks like ECONNREFUSED. A gateway may keep to itself why a
// target cannot be had: then it is EHOSTUNREACH, whatever it was.
//
// A message that breaks these rules ends the session with a WebSocket close
// code of RFC 6455 §7.4.1: 1002 (rules), 1003 (text), 1008 (a flood of frames
// that bring nothing), 1009 (too big). 1008 ends a session that has outlived a
// limit, too.
package wire

// Subprotocol is the name to offer in Sec-WebSocket-Protocol (RFC 6455 §1.9).
const Subprotocol = "porthole.v1"

const (
	// MaxMessage bounds a message, in bytes, op and id included.
	MaxMessage = 64 << 10
	// Overhead is how many bytes op and id take at most.
	Overhead = 1 + 10
	// Window is how many bytes of a stream may be under way from the page: what
	// the gateway holds for a server that does not read.
	Window = 256 << 10
	// MaxWindow is how many may be under way to the page, which holds them. At a
	// round trip of 100 ms it allows 20 MB/s.
	MaxWindow = 2 << 20
	// MaxCopy bounds the bytes of data that an event copies.
	MaxCopy = 1 << 10
)

// Op says what a message is.
type Op uint8

// The numbers are the protocol; they never change.
const (
	OpData     Op = 1
	OpFin      Op = 2
	OpCredit   Op = 3
	OpWrote    Op = 4
	OpReset    Op = 5
	OpClose    Op = 6
	OpFinished Op = 7
	OpError    Op = 8
	OpClosed   Op = 9

	OpHello     Op = 16
	OpResolve   Op = 17
	OpResolved  Op = 18
	OpDial      Op = 19
	OpConnected Op = 20
	OpFailed    Op = 21
	OpOption    Op = 22

	OpListen     Op = 32
	OpListening  Op = 33
	OpAccepted   Op = 34
	OpUnlisten   Op = 35
	OpUnlistened Op = 36

	OpObserve Op = 48
	OpEvents  Op = 49
	OpLost    Op = 50
	OpLab     Op = 51
	OpKernel  Op = 52
)

// Phase says what was being done when something failed.
type Phase uint8

// The phases of a socket's life that can fail.
const (
	PhasePolicy Phase = 1 + iota
	PhaseResolve
	PhaseDial
	PhaseTLS
	PhaseRead
	PhaseWrite
	PhaseListen
)

var phases = [...]string{"", "policy", "resolve", "dial", "tls", "read", "write", "listen"}

func (p Phase) String() string { return name(phases[:], uint8(p)) }

// Reason says why a stream ended. The set is closed.
type Reason uint8

// Every stream ends for one of these.
const (
	// ReasonEnded: both sides sent FIN.
	ReasonEnded Reason = 1 + iota
	// ReasonFailed: it never connected.
	ReasonFailed
	// ReasonClosed: the page closed it.
	ReasonClosed
	// ReasonReset: the page reset it.
	ReasonReset
	// ReasonError: the socket broke, error says how.
	ReasonError
	// ReasonShutdown: the gateway is leaving, or ends the session.
	ReasonShutdown
	// ReasonGone: the page went away.
	ReasonGone
)

var reasons = [...]string{"", "ended", "failed", "closed", "reset", "error", "shutdown", "gone"}

func (r Reason) String() string { return name(reasons[:], uint8(r)) }

// name is the i-th name, or "unknown": a newer peer may know more.
func name(names []string, i uint8) string {
	if int(i) < len(names) {
		return names[i]
	}
	return "unknown"
}
