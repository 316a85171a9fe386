package bridge

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"
)

// wispProtocol is what clients of v2 offer; those of v1 offer nothing. To the draft any
// subprotocol means v2, so some offer a random UUID (RFC 9562 §4).
const wispProtocol = "wisp-v2"

var isUUID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString

// wispOffer is what the client of v2 offers, which its answer has to name; empty for
// none of v2.
func wispOffer(offers []string) string {
	if slices.Contains(offers, wispProtocol) {
		return wispProtocol
	}
	if i := slices.IndexFunc(offers, isUUID); i >= 0 {
		return offers[i]
	}
	return ""
}

// Wisp serves clients of Wisp, v1 and v2: TCP streams of the bridge's targets, many in
// one WebSocket.
func (b *Bridge) Wisp() http.Handler {
	authenticate := b.Authenticate
	if authenticate != nil && b.Password != nil {
		authenticate = func(r *http.Request) (*Grant, error) {
			g, err := b.Authenticate(r)
			if err != nil && wispOffer(offers(r)) != "" {
				return stranger, nil // who may yet show who he is
			}
			return g, err
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.serveTo(w, r, b.wisp, authenticate) })
}

// stranger may do nothing, but show who he is.
var stranger = &Grant{User: "?", Targets: []Target{{}}}

var errWisp = errors.New("unknown WebSocket subprotocol: offer " + wispProtocol + " for Wisp v2, or none for v1")

// wisp is the dialect.
func (b *Bridge) wisp(r *http.Request, user *Grant) (*opening, *refused) {
	list := offers(r)
	o := &opening{subprotocol: wispOffer(list)}
	if len(list) > 0 && o.subprotocol == "" {
		return nil, &refused{"subprotocol", http.StatusBadRequest, errWisp}
	}
	o.begin = func(ws *webSocket) (member, func()) {
		s := newWisp(b, user, ws, o.subprotocol != "")
		return s, s.run
	}
	return o, nil
}

// wisp is the socket of a session whose client speaks Wisp: what either says is
// turned into the other's words, message by message, and all else is the session's.
// Data is turned where it lies, for heads have five bytes on both sides: an op, and
// an id that begins so high that it takes four.
type wisp struct {
	*webSocket
	s *session

	// The reader's alone.
	part []byte      // of a packet whose rest is to come
	goes bool        // a packet of data does
	into *wispStream // … for this one; nil for none

	mu       sync.Mutex
	timer    *time.Timer            // bounds how long INFO may take; nil until it is waited for
	informed bool                   // INFO has come, or none will
	confirms bool                   // the client is told when a stream is open
	ending   bool                   // of the WebSocket
	freed    sync.Cond              // a stream has room for more, or none is waited for
	last     uint64                 // the newest id of ours
	theirs   map[uint32]*wispStream // by the client's ids, until it is told that they have ended
	ours     map[uint64]*wispStream // by ours, until they have
}

// wispStream is what is known of a stream between the two.
type wispStream struct {
	theirs uint32
	ours   uint64
	parted bool     // the client has no more to do with it
	leaves bool     // … and it ends when all is with the kernel
	reason byte     // why it failed, or broke; 0 while it has not
	credit uint64   // packets that an honest client may have sent
	came   uint64   // … and those that have come
	up     uint64   // bytes for its socket
	wrote  uint64   // … that the kernel took
	marks  []uint64 // … behind which there is new credit; the next first
}

const (
	// wispCredit is how many packets of a stream may come at first; as many as
	// wispRenewal may come again for as many that the kernel took. CONTINUE sets what
	// a client has left, whatever is under way: as no more is given than was taken,
	// none can have more than that under way, and is not cut off for it.
	wispCredit  = 256
	wispRenewal = wispCredit / 2

	// The ids that take four bytes as uvarints.
	wispFirst = 1<<21 + 1
	wispLast  = 1<<28 - 1
)

func newWisp(b *Bridge, user *Grant, ws *webSocket, v2 bool) *session {
	w := &wisp{webSocket: ws, informed: !v2, last: wispFirst - 2, theirs: map[uint32]*wispStream{}, ours: map[uint64]*wispStream{}}
	w.freed.L = &w.mu
	ws.merge = false // a message is a packet
	w.s = newSession(b, user, w)
	w.s.free = true
	w.s.receipts.prompt, w.s.receipts.always = true, true
	w.s.feed.closed = true // its client knows no events
	return w.s
}

// await bounds how long the client may take for its INFO.
func (w *wisp) await() {
	l := w.s.b.inForce()
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.Dial >= 0 && !w.ending {
		w.timer = time.AfterFunc(l.Dial, w.tooLate)
	}
}

// tooLate ends a client of v2 that does not say so.
func (w *wisp) tooLate() {
	w.mu.Lock()
	informed := w.informed
	w.mu.Unlock()
	if !informed {
		w.refuse(wispFault, "no INFO has come in time")
	}
}

// refuse ends the WebSocket, and says why in Wisp's terms too.
func (w *wisp) refuse(reason byte, why string) {
	_ = w.webSocket.Send(wispFrame(wispClose, 0, reason)) // what breaks it shows in reading
	w.Close(closePolicy, why)
}

func (w *wisp) Close(code int, reason string) {
	w.end()
	w.webSocket.Close(code, reason)
}

func (w *wisp) Abort() {
	w.end()
	w.webSocket.Abort()
}

// end lets the reader wait no more.
func (w *wisp) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ending = true
	w.freed.Broadcast()
	if w.timer != nil {
		w.timer.Stop()
	}
}

// leave parts a stream from the client, who is told why, unless it has nothing more
// to do with it.
func (w *wisp) leave(st *wispStream, reason byte) error {
	w.mu.Lock()
	parted := w.parts(st)
	w.mu.Unlock()
	if !parted {
		return nil
	}
	return w.webSocket.Send(wispFrame(wispClose, st.theirs, reason))
}

// parts parts a stream from the client, unless it is. mu is held.
func (w *wisp) parts(st *wispStream) bool {
	if st.parted {
		return false
	}
	st.parted = true
	delete(w.theirs, st.theirs)
	w.freed.Broadcast()
	return true
}

// renew tells how many packets more may come, and counts them. The wisp's mu is held.
func (st *wispStream) renew() (packets uint32) {
	for len(st.marks) > 0 && st.marks[0] <= st.wrote && !st.parted {
		st.marks = st.marks[1:]
		st.credit += wispRenewal
		packets += wispRenewal
	}
	return packets
}

// resume lets the client send so many packets more.
func (w *wisp) resume(st *wispStream, packets uint32) error {
	if packets == 0 {
		return nil
	}
	return w.webSocket.Send(wispContinueFrame(st.theirs, packets))
}
