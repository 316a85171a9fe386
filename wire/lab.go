package wire

// Lab steers the server's end of a stream, or, with id 0, the server itself, so
// that one can see what its sockets do then.
type Lab struct {
	Verb  Verb
	Value uint64 // of limit: how many bytes a read takes at most, 0 for no limit
}

func (l *Lab) fields(c *codec) {
	number(c, &l.Verb)
	number(c, &l.Value)
}

// Verb is what a lab message tells to do. An unknown one is ignored.
type Verb uint8

// The verbs of a connection, and then those of the server.
const (
	// LabPause: read nothing until resume; the kernel goes on receiving.
	LabPause Verb = 1 + iota
	// LabResume: read again.
	LabResume
	// LabLimit: take no more bytes in one read than the value says.
	LabLimit
	// LabEnd: shut down the server's side, behind what is being written.
	LabEnd
	// LabReset: abort, the client gets RST.
	LabReset
	// LabClose: accept no one else; open connections go on.
	LabClose
	// LabListen: listen again, on the same address.
	LabListen
)

var verbs = [...]string{"", "pause", "resume", "limit", "end", "reset", "close", "listen"}

func (v Verb) String() string { return name(verbs[:], uint8(v)) }

// Observe says how often the gateway looks at the kernel's queues for the page.
type Observe struct {
	Sample uint64 // period in ms, 0 for not at all; the gateway may look less often
}

func (o *Observe) fields(c *codec) { number(c, &o.Sample) }

// Kernels is how both sockets of a stream are now.
type Kernels struct {
	Client Kernel
	Server Kernel // all zero if the gateway cannot see it
}

func (k *Kernels) fields(c *codec) {
	k.Client.fields(c)
	k.Server.fields(c)
}
