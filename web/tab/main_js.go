// Package main is the TCP greeter in a tab: the same server that tcpserver runs,
// on a listener that the gateway holds for the page. Its arguments are where to
// listen; the JavaScript beside the page gives it an object tab, which is told
//
//	listening(address)
//	failed(why)         it never did, or does not any more
//
// and gets two functions: stop, that ends it, and up, that tells whether it listens
// now, which it does not while its gateway is lost.
package main

import (
	"context"
	"errors"
	"os"
	"syscall/js"
	"time"

	"porthole/tcpserver/greeter"
	"porthole/web/netconn"
)

func main() {
	ctx, stop := context.WithCancel(context.Background())
	tab := js.Global().Get("tab")
	tab.Set("stop", js.FuncOf(func(js.Value, []js.Value) any {
		stop()
		return nil
	}))
	d := &netconn.Dialer{}
	defer d.Close()
	l, err := d.Listen(ctx, "tcp", os.Args[1])
	if err != nil {
		tab.Call("failed", err.Error())
		return
	}
	tab.Set("up", js.FuncOf(func(js.Value, []js.Value) any { return l.(*netconn.Listener).Up() }))
	tab.Call("listening", l.Addr().String())
	err = (&greeter.Server{Grace: time.Second}).Serve(ctx, l)
	if _, cut := errors.AsType[*greeter.CutError](err); err != nil && !cut { // who is cut has its own end
		tab.Call("failed", err.Error())
	}
}
