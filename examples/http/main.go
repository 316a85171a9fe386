// Command http is net/http in a web page: a client whose connections a gateway
// dials, and a server on a listener of the gateway's, so that curl reaches the tab.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	"porthole/web/netconn"
)

func main() {
	gateway := flag.String("gateway", "ws://127.0.0.1:8080/ws", "the gateway's WebSocket")
	url := flag.String("url", "http://example.com/", "what to get; its host and port are a --target of the gateway")
	listen := flag.String("listen", "localhost:8124", "where to listen; port 0 is any free one")
	flag.Parse()
	d := &netconn.Dialer{URL: *gateway}
	defer d.Close()
	if err := get(d, *url); err != nil {
		log.Fatal(err)
	}
	log.Fatal(serve(d, *listen))
}

// get reads a page over TCP: of any site, with any header, as fetch could not.
func get(d *netconn.Dialer, url string) error {
	client := &http.Client{
		Transport: &http.Transport{DialContext: d.DialContext}, // the default one would fetch, in a page
		Timeout:   time.Minute,
	}
	defer client.CloseIdleConnections()
	res, err := client.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	fmt.Printf("GET %s: %s, %s\n", url, res.Status, body)
	return nil
}

// serve serves until the page goes away.
func serve(d *netconn.Dialer, at string) error {
	l, err := d.Listen(context.Background(), "tcp", at)
	if err != nil {
		return err
	}
	defer l.Close()
	fmt.Printf("curl http://%v/\n", l.Addr())
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.RemoteAddr, r.Method, r.URL)
		fmt.Fprintf(w, "你好 %s, from the tab at %s\n", r.RemoteAddr, l.Addr())
	}))
}
