package main

import (
	"syscall/js"

	"porthole/wire"
)

// socket is the browser's WebSocket. Its two functions are called until gone,
// which is called once, and last.
type socket struct {
	ws    js.Value
	array js.Value // messages go out from here
	funcs []js.Func
}

// open opens a WebSocket with our subprotocol.
func open(url string, receive func(msg []byte), gone func()) *socket {
	array := js.Global().Get("Uint8Array")
	s := &socket{ws: js.Global().Get("WebSocket").New(url, wire.Subprotocol), array: array.New(wire.MaxMessage)}
	s.ws.Set("binaryType", "arraybuffer")
	var buf []byte
	s.on("onmessage", func(event js.Value) {
		data := array.New(event.Get("data"))
		n := data.Get("length").Int()
		if n > len(buf) {
			buf = make([]byte, n)
		}
		js.CopyBytesToGo(buf, data)
		receive(buf[:n])
	})
	s.on("onclose", func(js.Value) {
		for _, f := range s.funcs {
			f.Release()
		}
		gone()
	})
	return s
}

func (s *socket) on(name string, f func(event js.Value)) {
	fn := js.FuncOf(func(_ js.Value, args []js.Value) any {
		f(args[0])
		return nil
	})
	s.funcs = append(s.funcs, fn)
	s.ws.Set(name, fn)
}

// Send sends a message. The browser takes it whole and copies it; credit bounds
// what it holds.
func (s *socket) Send(msg []byte) {
	if s.ws.Get("readyState").Int() != 1 { // closing: nothing more gets through
		return
	}
	js.CopyBytesToJS(s.array, msg)
	s.ws.Call("send", s.array.Call("subarray", 0, len(msg)))
}

func (s *socket) Close(code int, reason string) { s.ws.Call("close", code, reason) }
