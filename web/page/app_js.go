package main

import (
	"bytes"
	"strconv"
	"syscall/js"

	"porthole/web/client"
	"porthole/web/view"
	"porthole/wire"
)

// maxQueue bounds what the page holds when the socket takes no more, in bytes.
const maxQueue = 16 << 20

// app is the page's state: one session, and one socket at a time.
type app struct {
	api, now, changed js.Value
	url               string
	noted             bool // changed was called, and no frame was taken since

	view    view.View
	sock    *socket
	session *client.Session
	backoff client.Backoff
	timer   js.Value // of the next try

	stream *client.Stream
	number uint64       // of the stream, for the talk
	queue  [][]byte     // messages that the socket has not taken
	waits  int          // bytes in the queue
	fin    bool         // end was asked for behind the queue
	said   view.Decoder // of what we send
	heard  view.Decoder

	buf    []byte
	packed []byte
	array  js.Value
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
	a.view.Link, a.view.Retry = view.Connecting, 0
	a.sock = open(a.url, a.receive, a.gone)
	a.session = client.NewSession(a.sock, a)
	a.news()
}

func (a *app) receive(msg []byte) {
	_ = a.session.Receive(msg) // an error closes the socket, and gone comes
	a.news()
}

// gone notes that the gateway is lost, and tries again later.
func (a *app) gone() {
	a.sock = nil
	a.session.Gone()
	a.view.Link = view.Lost
	wait := a.backoff.Next(js.Global().Get("Math").Call("random").Float())
	a.view.Retry = int64(a.now.Call("now").Float()) + int64(wait)
	var f js.Func
	f = js.FuncOf(func(js.Value, []js.Value) any {
		f.Release()
		a.reach()
		return nil
	})
	a.timer = js.Global().Call("setTimeout", f, wait)
	a.news()
}

// Hello is the session's first message: now sockets can be dialled.
func (a *app) Hello(h wire.Hello) {
	a.backoff.Reset()
	a.view.Link = view.Open
	a.view.Store.Restart()
	if len(h.Targets) > 0 {
		a.view.Target = h.Targets[0]
	}
	a.dial()
}

// Event puts what a socket did on the ladder.
func (a *app) Event(e wire.Event) { a.view.Store.Add(e) }

// Lost counts what the gateway could not tell.
func (a *app) Lost(n uint64) { a.view.Store.Lose(n) }

// dial opens a socket to the default target, once the one before has closed.
func (a *app) dial() {
	if a.stream != nil || a.view.Link != view.Open {
		return
	}
	a.view.Sock, a.view.Why = view.Dialing, wire.Failure{}
	a.said, a.heard = view.Decoder{}, view.Decoder{}
	a.queue, a.waits, a.fin = nil, 0, false
	a.view.Unsent, a.view.Room = 0, maxQueue
	a.number++
	a.stream = a.session.Dial(wire.Dial{}, a)
	a.news()
}

// send writes p a number of times. It is false if the socket is not open for
// writing, or too much is waiting.
func (a *app) send(p []byte, times int) bool {
	if a.stream == nil || a.fin || a.waits+len(p)*times > maxQueue {
		return false
	}
	for range times {
		a.queue = append(a.queue, p)
	}
	a.waits += len(p) * times
	a.say(p, times)
	a.pump()
	a.news()
	return true
}

// say puts what is sent into the talk: as text of the stream, so that two
// messages can share a character.
func (a *app) say(p []byte, times int) {
	whole := a.said.Pending() == 0
	text := a.said.Decode(p)
	switch {
	case times > 1 && whole && a.said.Pending() == 0:
		text += " ×" + strconv.Itoa(times)
	case times > 1:
		text += a.said.Decode(bytes.Repeat(p, times-1))
	}
	a.view.Talk.Say(wire.Client, a.number, text)
}

// burst is how many messages are written at a time: more would hold up the next
// frame. The kernel takes them, Wrote comes, and more are.
const burst = 32

// pump writes from the queue, as far as there is credit. What fits in a message
// goes in one, for a message is one write.
func (a *app) pump() {
	for i := 0; i < burst && len(a.queue) > 0 && a.stream.Credit() >= min(len(a.queue[0]), wire.MaxMessage); i++ {
		n := a.stream.Write(a.queue[0])
		a.waits -= n
		if n == len(a.queue[0]) {
			a.queue = a.queue[1:]
		} else {
			a.queue[0] = a.queue[0][n:]
		}
	}
	a.view.Unsent, a.view.Room = uint64(a.waits), uint64(maxQueue-a.waits)
	if a.fin && len(a.queue) == 0 {
		a.stream.End()
	}
}

func (a *app) end() {
	if a.stream == nil || a.fin {
		return
	}
	a.fin = true
	if a.view.Sock == view.Up {
		a.view.Sock = view.Ended
	}
	a.pump()
	a.news()
}

func (a *app) destroy() {
	if a.stream != nil {
		a.stream.Close()
	}
}

func (a *app) reset() {
	if a.stream != nil {
		a.stream.Reset()
	}
}

// The rest is what the socket tells.

func (a *app) Connected(wire.Connected) {
	a.view.Sock = view.Up
	if a.fin {
		a.view.Sock = view.Ended
	}
}

func (a *app) Failed(f wire.Failure) { a.view.Sock, a.view.Why = view.Failed, f }

func (a *app) Readable() {
	for {
		n := a.stream.Read(a.buf)
		if n == 0 {
			return
		}
		a.view.Talk.Say(wire.Server, a.number, a.heard.Decode(a.buf[:n]))
		if ondata := a.api.Get("ondata"); ondata.Type() == js.TypeFunction {
			array := js.Global().Get("Uint8Array").New(n)
			js.CopyBytesToJS(array, a.buf[:n])
			ondata.Invoke(array)
		}
	}
}

func (a *app) Wrote(uint64) { a.pump() }

// End: as in Node, a socket whose peer has ended ends too.
func (a *app) End() {
	a.view.Talk.Say(wire.Server, a.number, a.heard.End())
	if a.view.Sock == view.Up {
		a.view.Sock = view.PeerEnded
	}
	a.fin = true
	a.pump()
}

func (a *app) Finished() {}

func (a *app) Error(f wire.Failure) { a.view.Why = f }

func (a *app) Closed(wire.Reason) {
	if a.view.Sock != view.Failed {
		a.view.Sock = view.Closed
	}
	a.stream, a.queue, a.waits, a.view.Unsent = nil, nil, 0, 0
}

// news asks for a frame.
func (a *app) news() {
	if !a.noted && !a.changed.IsUndefined() {
		a.noted = true
		a.changed.Invoke()
	}
}

// frame packs what is to be drawn into an array that is used again.
func (a *app) frame(first, count int, talk uint32) js.Value {
	a.noted = false
	a.packed = a.view.Frame(a.packed[:0], first, count, talk)
	if a.array.IsUndefined() || a.array.Get("length").Int() < len(a.packed) {
		a.array = js.Global().Get("Uint8Array").New(2 * len(a.packed))
	}
	js.CopyBytesToJS(a.array, a.packed)
	return a.array
}
