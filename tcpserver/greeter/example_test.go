package greeter_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"porthole/tcpserver/greeter"
)

func ExampleServer() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l, err := greeter.Listen(ctx, "localhost:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := greeter.Server{Grace: time.Minute} // for connections that are open when ctx ends
	served := make(chan error)
	go func() { served <- server.Serve(ctx, l) }()

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = io.WriteString(c, "哇咔咔")
	_ = c.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(c)
	_ = c.Close()
	fmt.Println(string(answer), err)

	cancel()
	fmt.Println(<-served)
	// Output:
	// 你好哇咔咔 <nil>
	// <nil>
}
