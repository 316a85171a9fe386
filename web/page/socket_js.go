package main

import (
	"syscall/js"
	"unsafe"

	"porthole/wire"
)

// socket is the browser's WebSocket, as program.js opens it. A message passes
// through our memory, where program.js puts it and takes it from: an object of
// the browser's that has been in Go is kept until our next collection, and so
// are its bytes; and a js.Func costs more than the message.
type socket struct {
	send, close js.Value
	gone        js.Func
}

// inbox is where a message comes in. What the browser calls by its name has no
// receiver, and the page has one WebSocket at a time.
var inbox struct {
	msg  [wire.MaxMessage]byte
	take func(msg []byte)
}

//lint:ignore U1000 the linter knows no exports of a wasm module
//go:wasmexport receive
func receive(n int32) { inbox.take(inbox.msg[:n]) }

// newSocket opens a WebSocket. Its two functions are called until gone, which is
// called once, and last.
func newSocket(open js.Value, take func(msg []byte), gone func(code int, reason string)) *socket {
	s := &socket{}
	inbox.take = take
	s.gone = js.FuncOf(func(_ js.Value, args []js.Value) any {
		s.gone.Release()
		gone(args[0].Int(), args[1].String())
		return nil
	})
	line := open.Invoke(address(inbox.msg[:]), len(inbox.msg), s.gone)
	s.send, s.close = line.Get("send"), line.Get("close")
	return s
}

// Send sends a message. The browser takes it whole and copies it; credit bounds
// what it holds.
func (s *socket) Send(msg []byte) { s.send.Invoke(address(msg), len(msg)) }

func (s *socket) Close(code int, reason string) { s.close.Invoke(code, reason) }

// address is where b begins in our memory. Go moves nothing in it.
func address(b []byte) int { return int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }
