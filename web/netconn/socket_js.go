package netconn

import (
	"errors"
	"fmt"
	"net/url"
	"syscall/js"

	"porthole/wire"
)

// socket is the browser's WebSocket. What is sent waits in the browser, and the
// streams' windows bound it.
type socket struct {
	s     *session
	ws    js.Value
	bytes js.Value           // the browser's Uint8Array
	heard map[string]js.Func // by the event
	buf   []byte
}

// open opens the WebSocket, and tells the session when it is open or has failed.
func (s *session) open(d *Dialer) {
	if len(d.Header) > 0 {
		s.gone(errors.New("netconn: a page cannot send headers with a WebSocket: offer a ticket in Dialer.Protocols"))
		return
	}
	at, err := resolve(d.URL)
	if err != nil {
		s.gone(err)
		return
	}
	offers := []any{wire.Subprotocol}
	for _, p := range d.Protocols {
		offers = append(offers, p)
	}
	k := &socket{s: s, heard: map[string]js.Func{}, bytes: js.Global().Get("Uint8Array")}
	if k.ws, err = construct(at, offers); err != nil {
		s.gone(fmt.Errorf("netconn: WebSocket %s: %w", at, err))
		return
	}
	k.ws.Set("binaryType", "arraybuffer")
	s.start(k)
	k.on("message", func(event js.Value) {
		data := k.bytes.New(event.Get("data"))
		n := data.Length()
		if cap(k.buf) < n {
			k.buf = make([]byte, n)
		}
		js.CopyBytesToGo(k.buf[:n], data)
		s.receive(k.buf[:n])
	})
	k.on("close", func(event js.Value) {
		s.gone(&Gone{Code: event.Get("code").Int(), Reason: event.Get("reason").String()})
		k.deafen()
	})
}

// construct makes the browser's WebSocket, which throws at what no WebSocket could
// be: a scheme of another kind, a subprotocol that is no token.
func construct(at string, offers []any) (ws js.Value, err error) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case js.Error:
			err = thrown
		default:
			panic(thrown)
		}
	}()
	return js.Global().Get("WebSocket").New(at, offers), nil
}

// resolve makes a URL of the gateway whole: it may be relative to the page's.
func resolve(ref string) (string, error) {
	if ref == "" {
		ref = "ws"
	}
	base := ""
	if location := js.Global().Get("location"); location.Truthy() {
		base = location.Get("href").String()
	}
	page, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	at, err := page.Parse(ref)
	if err != nil {
		return "", err
	}
	switch at.Scheme {
	case "http":
		at.Scheme = "ws"
	case "https":
		at.Scheme = "wss"
	}
	at.Fragment = ""
	return at.String(), nil
}

func (k *socket) on(event string, do func(event js.Value)) {
	f := js.FuncOf(func(_ js.Value, args []js.Value) any {
		do(args[0])
		return nil
	})
	k.heard[event] = f
	k.ws.Call("addEventListener", event, f)
}

// deafen hears nothing more.
func (k *socket) deafen() {
	for event, f := range k.heard {
		k.ws.Call("removeEventListener", event, f)
		f.Release()
	}
	clear(k.heard)
}

// Send is client.Socket's.
func (k *socket) Send(msg []byte) {
	const open = 1
	if k.ws.Get("readyState").Int() != open {
		return // it shows in close
	}
	b := k.bytes.New(len(msg))
	js.CopyBytesToJS(b, msg)
	k.ws.Call("send", b)
}

// Close is client.Socket's.
func (k *socket) Close(code int, reason string) { k.ws.Call("close", code, reason) }

// cut ends the WebSocket behind what was sent. The session has ended, and a program
// that ends next is not called any more.
func (k *socket) cut() {
	k.ws.Call("close", 1000)
	k.deafen()
}
