// Package main is the page's program: the seam between package client, package
// view and the browser. It moves bytes and packs what is to be drawn; the
// JavaScript beside it builds the DOM.
//
// The JavaScript sees one object, porthole. A socket of the page is shown if it
// is the one that is followed, or else the newest; calls go to that one.
//
//	start(open, changed, watches)
//	                           connect; open(at, room, gone) opens a WebSocket, of
//	                           whose end gone(code, reason) tells; changed() is called when there is news, once
//	                           until the next frame(); watches: open no socket
//	overhear(msg)              a message of another program's WebSocket, for what
//	                           it tells of that program's sockets
//	retry()                    reach for the gateway now
//	frame(first, count)        what is to be drawn, as view.Frame packs it
//	inspect(lens, first)       the selected event, as view.Inspect packs it
//
//	open() connect()           another socket; the shown one again, once closed
//	send(data, times)          write a string or Uint8Array, each time as one
//	                           write; false if too much is waiting
//	end() destroy() reset()
//	lab(verb, value)           steer the server's end: pause resume limit end
//	                           reset; or the server: close listen
//	ondata                     if set, called with the bytes of each read
//
//	choose(number)             follow a connection; 0: all
//	filter(text, kind, side, hide) freeze(on) toggle(id) select(id) mark(key)
//	step(id, n) travel(id, reads) line(id)
//	ordinal(id)                which event of an export it is, from 1; 0: none
//
//	export(format)             ndjson, mermaid, pcapng or compact, as bytes
//	load(bytes, format)        show a capture, ndjson or compact; '' or an error
//	play() live()              replay it in its own time; back to the sockets
//
// Nothing here waits: every function is called by the browser and returns.
package main

import (
	"syscall/js"

	"porthole/web/view"
	"porthole/wire"
)

func main() {
	v := &view.View{}
	a := &app{api: js.ValueOf(map[string]any{}), now: js.Global().Get("performance"), arrays: js.Global().Get("Uint8Array"), buf: make([]byte, 64<<10), live: v, view: v}
	for _, m := range methods {
		a.api.Set(m.name, js.FuncOf(func(_ js.Value, args []js.Value) any {
			result := m.call(a, args)
			if !m.reads {
				a.news()
			}
			return result
		}))
	}
	js.Global().Set("porthole", a.api)
	select {}
}

// method is one of the porthole object's, for as long as the page lives. What it
// does is news, unless it only reads.
type method struct {
	name  string
	reads bool
	call  func(a *app, args []js.Value) any
}

// A table costs the page less than the code to make it would: its functions
// need nothing but what they are called with.
var methods = [...]method{
	{"start", false, func(a *app, args []js.Value) any {
		a.open, a.changed, a.watches = args[0], args[1], args[2].Bool()
		a.live.Store.Alike = a.watches
		a.reach()
		return nil
	}},
	{"overhear", false, func(a *app, args []js.Value) any { a.overhear(bytesOf(args[0])); return nil }},
	{"retry", false, func(a *app, _ []js.Value) any { a.reach(); return nil }},
	{"frame", true, func(a *app, args []js.Value) any { return a.frame(args[0].Int(), args[1].Int()) }},
	{"inspect", true, func(a *app, args []js.Value) any { return a.inspect(view.Lens(args[0].Int()), id(args[1])) }},

	{"open", false, func(a *app, _ []js.Value) any { a.dial(); return nil }},
	{"connect", false, func(a *app, _ []js.Value) any { a.connect(); return nil }},
	{"send", false, func(a *app, args []js.Value) any {
		c := a.shown()
		return c != nil && c.send(bytesOf(args[0]), args[1].Int())
	}},
	{"end", false, func(a *app, _ []js.Value) any { a.steer((*conn).end); return nil }},
	{"destroy", false, func(a *app, _ []js.Value) any { a.steer(func(c *conn) { c.stream.Close() }); return nil }},
	{"reset", false, func(a *app, _ []js.Value) any { a.steer(func(c *conn) { c.stream.Reset() }); return nil }},
	{"lab", false, func(a *app, args []js.Value) any { a.lab(args); return nil }},

	{"choose", false, func(a *app, args []js.Value) any { a.view.Choose(args[0].Int()); return nil }},
	{"filter", false, func(a *app, args []js.Value) any {
		a.view.Filter(view.Filter{Text: args[0].String(), Kind: view.FilterKind(args[1].Int()), Side: wire.Side(args[2].Int()), Hide: args[3].Bool()})
		return nil
	}},
	{"freeze", false, func(a *app, args []js.Value) any { a.view.Freeze(args[0].Bool()); return nil }},
	{"toggle", false, func(a *app, args []js.Value) any { a.view.Toggle(id(args[0])); return nil }},
	{"select", false, func(a *app, args []js.Value) any { a.view.Select(id(args[0])); return nil }},
	{"mark", false, func(a *app, args []js.Value) any { a.live.Store.Mark(args[0].String()); return nil }},
	{"step", true, func(a *app, args []js.Value) any { return float64(a.view.Step(id(args[0]), args[1].Int())) }},
	{"travel", true, func(a *app, args []js.Value) any { return float64(a.view.Travel(id(args[0]), args[1].Bool())) }},
	{"line", true, func(a *app, args []js.Value) any { return a.view.Line(id(args[0])) }},
	{"ordinal", true, func(a *app, args []js.Value) any { return a.view.Ordinal(id(args[0])) }},

	{"export", true, func(a *app, args []js.Value) any { return a.export(args[0].String()) }},
	{"load", false, func(a *app, args []js.Value) any { return a.load(bytesOf(args[0]), args[1].String()) }},
	{"play", false, func(a *app, _ []js.Value) any { a.startReplay(); return nil }},
	{"live", false, func(a *app, _ []js.Value) any { a.view, a.replay = a.live, nil; return nil }},
}

// lab passes a verb on to whom it concerns.
func (a *app) lab(args []js.Value) {
	verb, ok := verbs[args[0].String()]
	if !ok || a.session == nil {
		return
	}
	if verb == wire.LabClose || verb == wire.LabListen {
		a.session.Lab(verb)
		return
	}
	var value uint64
	if len(args) > 1 && args[1].Type() == js.TypeNumber {
		value = uint64(max(0, args[1].Int()))
	}
	a.steer(func(c *conn) { c.stream.Lab(verb, value) })
}

var verbs = map[string]wire.Verb{
	"pause": wire.LabPause, "resume": wire.LabResume, "limit": wire.LabLimit, "end": wire.LabEnd, "reset": wire.LabReset,
	"close": wire.LabClose, "listen": wire.LabListen,
}

// id is an event's, or an offset: JavaScript has no other numbers.
func id(v js.Value) uint64 { return uint64(v.Float()) }

// bytesOf takes a string as UTF-8, and a Uint8Array as it is.
func bytesOf(v js.Value) []byte {
	if v.Type() == js.TypeString {
		return []byte(v.String())
	}
	b := make([]byte, v.Get("length").Int())
	js.CopyBytesToGo(b, v)
	return b
}
