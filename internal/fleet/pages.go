package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"porthole/tcpserver/greeter"
	"porthole/web/netconn"
)

// pages are programs that listen by way of a gateway, as pages do: greeters, each
// at a port of its own that is leased in the whole fleet.
type pages struct {
	dialers   []*netconn.Dialer
	listeners []*netconn.Listener
	serving   sync.WaitGroup
}

// listen opens pages, at whichever gateways haproxy chooses.
func (f *fleet) listen(ctx context.Context, n int) (*pages, error) {
	p := &pages{}
	at, err := free(n)
	if err != nil {
		return nil, err
	}
	for _, addr := range at {
		d := &netconn.Dialer{URL: "ws://" + f.front + "/ws", Header: http.Header{"Authorization": {"Bearer " + workerKey}}}
		p.dialers = append(p.dialers, d)
		l, err := d.Listen(ctx, "tcp", addr)
		if err != nil {
			p.close()
			return nil, err
		}
		p.listeners = append(p.listeners, l.(*netconn.Listener))
		p.serving.Go(func() { _ = (&greeter.Server{}).Serve(context.WithoutCancel(ctx), l) }) // it ends with its Dialer
	}
	return p, nil
}

func (p *pages) close() {
	for _, d := range p.dialers {
		_ = d.Close()
	}
	p.serving.Wait()
}

// greet wants an answer of every page, where it has listened from the beginning.
func (p *pages) greet() error {
	for _, l := range p.listeners {
		if !l.Up() {
			return fmt.Errorf("%v is not listened on", l.Addr())
		}
		c, err := net.DialTimeout("tcp", l.Addr().String(), time.Second)
		if err != nil {
			return err
		}
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintln(c, "哇咔咔")
		said, err := bufio.NewReader(c).ReadString('\n')
		_ = c.Close()
		if said != "你好哇咔咔\n" {
			return fmt.Errorf("%v says %q, %w", l.Addr(), said, err)
		}
	}
	return nil
}
