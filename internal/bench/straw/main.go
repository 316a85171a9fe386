// Command straw is the gateway that one writes first, for comparison: the
// library's accept, its net.Conn, and io.Copy both ways. It checks nothing.
//
//	$ go run ./internal/bench/straw 127.0.0.1:1234
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	//lint:file-ignore SA1019 it is the library that the gateway uses, used as its documentation shows
	"nhooyr.io/websocket"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "straw:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one target, got %q", args)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("open http://%s\n", l.Addr())
	return http.Serve(l, relay(args[0]))
}

// relay takes a WebSocket and dials for each request.
func relay(target string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
		if err != nil {
			return // Accept has answered
		}
		page := websocket.NetConn(context.Background(), ws, websocket.MessageBinary)
		defer page.Close()
		ws.SetReadLimit(-1)
		server, err := net.Dial("tcp", target)
		if err != nil {
			return
		}
		defer server.Close()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer server.Close()
			_, _ = io.Copy(server, page)
		}()
		_, _ = io.Copy(page, server)
		page.Close()
		<-done
	})
}
