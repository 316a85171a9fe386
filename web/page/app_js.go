package main

import (
	"slices"
	"strconv"
	"syscall/js"

	"porthole/web/client"
	"porthole/web/view"
	"porthole/wire"
)

const (
	// maxConns bounds the page's sockets at one time.
	maxConns = 16
	// sampleEvery is how often the kernels are asked how much they hold, in ms:
	// a bar that moves ten times a second is live to the eye.
	sampleEvery = 100
)

// app is the page's state: one session, its sockets, and what is shown of it.
type app struct {
	api, now, open, changed js.Value

	noted   bool // changed was called, and no frame was taken since
	watches bool // it opens no socket: those that it shows are other programs' in this page

	live   *view.View // the sockets
	view   *view.View // what is shown: the same, or a capture
	replay *replay    // what is being replayed into view; nil if nothing is

	sock    *socket
	session *client.Session
	backoff client.Backoff
	timer   js.Value // of the next try

	conns []*conn // from the oldest; the newest stays when it is closed
	died  []int   // the numbers of those that the session's end has ended

	buf    []byte
	packed []byte
	array  js.Value
	arrays js.Value // Uint8Array
}

// reach opens a WebSocket to the gateway, unless one is open.
func (a *app) reach() {
	if a.sock != nil {
		return
	}
	if !a.timer.IsUndefined() {
		js.Global().Call("clearTimeout", a.timer)
		a.timer = js.Undefined()
	}
	a.live.Link, a.live.Retry = view.Connecting, 0
	a.sock = newSocket(a.open, a.receive, a.gone)
	a.session = client.NewSession(a.sock, a)
}

func (a *app) receive(msg []byte) {
	if op, id, rest, err := wire.ParseHead(msg); err == nil && op == wire.OpData {
		for _, c := range a.conns {
			if c.open() && c.stream.ID() == id {
				c.moved(wire.Server, len(rest))
			}
		}
	}
	_ = a.session.Receive(msg) // an error closes the socket, and gone comes
	a.news()
}

// gone notes that the gateway is lost, why, and with which sockets, and tries again
// later.
func (a *app) gone(code int, reason string) {
	a.sock = nil
	a.session.Gone()
	v := a.live
	if v.Link == view.Open || v.Code == 0 { // else it is lost still
		v.Code, v.Reason = uint16(code), reason
	}
	if len(a.died) > 0 {
		slices.Sort(a.died)
		mark := []byte("died\t" + strconv.Itoa(code) + "\t" + reason + "\t")
		for _, number := range a.died {
			mark = append(strconv.AppendInt(append(mark, '#'), int64(number), 10), ' ')
		}
		v.Store.Mark(string(mark))
		a.died = nil
	}
	v.Link = view.Lost
	wait := a.backoff.Next(js.Global().Get("Math").Call("random").Float())
	v.Retry = int64(a.now.Call("now").Float()) + int64(wait)
	var f js.Func
	f = js.FuncOf(func(js.Value, []js.Value) any {
		f.Release()
		a.reach()
		a.news()
		return nil
	})
	a.timer = js.Global().Call("setTimeout", f, wait)
	a.news()
}

// Hello is the session's first message: now sockets can be dialled.
func (a *app) Hello(h wire.Hello) {
	a.backoff.Reset()
	v := a.live
	v.Link = view.Open
	v.Store.Restart()
	v.Target = ""
	if len(h.Targets) > 0 {
		v.Target = h.Targets[0]
	}
	v.Offers = 0
	for i, name := range []string{"events", "lab", "server", "user", "listen"} {
		if slices.Contains(h.Offers, name) {
			v.Offers |= 1 << i
		}
	}
	if slices.Contains(h.Offers, "kernel") {
		a.session.Observe(sampleEvery)
	}
	if !a.watches {
		a.dial()
	}
}

// overhear takes a message that another program in this page has received: of
// what its sockets did, its own session is told and no other. What comes both
// ways is shown once.
func (a *app) overhear(msg []byte) {
	op, _, rest, err := wire.ParseHead(msg)
	if err != nil {
		return
	}
	var n wire.Count
	switch op {
	case wire.OpEvents:
		_ = wire.ParseEvents(rest, a.Event) // the program's affair
	case wire.OpLost:
		if wire.Parse(rest, &n) == nil {
			a.Lost(uint64(n))
		}
	}
}

// Event puts what a socket did on the ladder.
func (a *app) Event(e wire.Event) { a.live.Store.Add(e) }

// Lost counts what the gateway could not tell.
func (a *app) Lost(n uint64) { a.live.Store.Lose(n) }

// hear notes what was read.
func (a *app) hear(p []byte) {
	a.live.Heards++
	a.live.Heard = heard(p)
}

// dial opens another socket to the default target. A connection that is
// followed would hide it.
func (a *app) dial() {
	if a.live.Link != view.Open || len(a.conns) > maxConns {
		return
	}
	a.live.Choose(0)
	c := &conn{a: a, sock: view.Dialing}
	a.conns = append(a.conns, c)
	c.stream = a.session.Dial(wire.Dial{}, c)
	a.settle()
}

// settle forgets the sockets that are closed, but for the newest.
func (a *app) settle() {
	newest := a.conns[len(a.conns)-1]
	older := slices.DeleteFunc(a.conns[:len(a.conns)-1], func(c *conn) bool { return !c.open() })
	a.conns = append(older, newest)
}

// shown is the socket that the visitor's calls go to: the one that he follows,
// or the newest. It is nil if he follows another program's, or a closed one.
func (a *app) shown() *conn {
	if len(a.conns) == 0 || a.view != a.live {
		return nil
	}
	chosen := a.live.Chosen()
	if chosen == nil {
		return a.conns[len(a.conns)-1]
	}
	for _, c := range a.conns {
		if a.live.Store.Client(c.number) == chosen {
			return c
		}
	}
	return nil
}

// steer does something to the socket that is shown, if it is open.
func (a *app) steer(do func(*conn)) {
	if c := a.shown(); c != nil && c.open() {
		do(c)
	}
}

// connect dials again once the socket that is shown is closed.
func (a *app) connect() {
	if c := a.shown(); c == nil || !c.open() {
		a.dial()
	}
}

// present puts the socket that is shown into the view.
func (a *app) present() {
	v := a.live
	v.Sock, v.Why, v.Unsent, v.Room = view.None, wire.Failure{}, 0, 0
	if v.Chosen() != nil {
		v.Sock = view.Closed // unless it is one of those that are here
		if v.Chosen().Gone() {
			v.Sock = view.Cut
		}
	}
	if c := a.shown(); c != nil {
		v.Sock, v.Why = c.sock, c.why
		v.Unsent, v.Room = uint64(c.waits), uint64(c.room())
	}
}

// news asks for a frame.
func (a *app) news() {
	if !a.noted && !a.changed.IsUndefined() {
		a.noted = true
		a.changed.Invoke()
	}
}

// frame packs what is to be drawn.
func (a *app) frame(first, count int) js.Value {
	a.noted = false
	a.play()
	a.present()
	if a.view != a.live { // what is true of the gateway is so whatever is shown
		v := a.live
		a.view.Link, a.view.Retry, a.view.Target = v.Link, v.Retry, v.Target
		a.view.Code, a.view.Reason = v.Code, v.Reason
	}
	a.packed = a.view.Frame(a.packed[:0], first, count)
	return a.give()
}

func (a *app) inspect(lens view.Lens, first uint64) js.Value {
	a.packed = a.view.Inspect(a.packed[:0], lens, first)
	return a.give()
}

// give hands over what is packed, in an array that is used again.
func (a *app) give() js.Value {
	if a.array.IsUndefined() || a.array.Get("length").Int() < len(a.packed) {
		a.array = a.arrays.New(2 * len(a.packed))
	}
	js.CopyBytesToJS(a.array, a.packed)
	return a.array
}
