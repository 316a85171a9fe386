// Package main is the page's program: the seam between package client, package
// view and the browser. It moves bytes and packs what is to be drawn; the
// JavaScript beside it builds the DOM.
//
// The JavaScript sees one object, porthole:
//
//	start(url, changed)        connect; changed() is called when there is news,
//	                           once until the next frame()
//	send(data, times)          write a string or Uint8Array, each time as one
//	                           write; false if too much is waiting
//	end() destroy() reset()
//	connect()                  dial again, once the socket is closed
//	retry()                    reach for the gateway now
//	frame(first, count, talk)  what is to be drawn, as view.Frame packs it
//	ondata                     if set, called with the bytes of each read
//
// Nothing here waits: every function is called by the browser and returns.
package main

import "syscall/js"

func main() {
	a := &app{api: js.ValueOf(map[string]any{}), now: js.Global().Get("performance"), buf: make([]byte, 64<<10)}
	a.expose("start", func(args []js.Value) any {
		a.url, a.changed = args[0].String(), args[1]
		a.reach()
		return nil
	})
	a.expose("send", func(args []js.Value) any { return a.send(bytesOf(args[0]), args[1].Int()) })
	a.expose("end", func([]js.Value) any { a.end(); return nil })
	a.expose("destroy", func([]js.Value) any { a.destroy(); return nil })
	a.expose("reset", func([]js.Value) any { a.reset(); return nil })
	a.expose("connect", func([]js.Value) any { a.dial(); return nil })
	a.expose("retry", func([]js.Value) any { a.reach(); return nil })
	a.expose("frame", func(args []js.Value) any { return a.frame(args[0].Int(), args[1].Int(), uint32(args[2].Int())) })
	js.Global().Set("porthole", a.api)
	select {}
}

// expose makes f a method of the porthole object, for as long as the page lives.
func (a *app) expose(name string, f func(args []js.Value) any) {
	a.api.Set(name, js.FuncOf(func(_ js.Value, args []js.Value) any { return f(args) }))
}

// bytesOf takes a string as UTF-8, and a Uint8Array as it is.
func bytesOf(v js.Value) []byte {
	if v.Type() == js.TypeString {
		return []byte(v.String())
	}
	b := make([]byte, v.Get("length").Int())
	js.CopyBytesToGo(b, v)
	return b
}
