// Package main is the TCP greeter in a tab: the same server that tcpserver runs,
// on a listener that the gateway holds for the page. Its arguments are where to
// listen; the JavaScript beside the page gives it an object tab, which is told
//
//	listening(address)
//	failed(why)         it never did
//
// and gets a function stop, that ends it.
package main

import (
	"context"
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
	tab.Call("listening", l.Addr().String())
	_ = (&greeter.Server{Grace: time.Second}).Serve(ctx, l) // who is cut has its own end
}
