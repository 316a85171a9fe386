// Command redis is go-redis in a web page: only its dial function is set. A gateway,
// which the page reaches through a WebSocket, dials for it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"time"

	"github.com/redis/go-redis/v9"

	"porthole/web/netconn"
)

func main() {
	gateway := flag.String("gateway", "ws://127.0.0.1:8080/ws", "the gateway's WebSocket")
	addr := flag.String("addr", "localhost:6379", "the server, as the gateway has it for a --target")
	flag.Parse()
	d := &netconn.Dialer{URL: *gateway}
	defer d.Close()
	rdb := redis.NewClient(&redis.Options{Addr: *addr, Dialer: d.DialContext})
	defer rdb.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, rdb); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, rdb *redis.Client) error {
	if err := rdb.Set(ctx, "porthole:greeting", "你好哇咔咔", time.Minute).Err(); err != nil {
		return err
	}
	greeting, err := rdb.Get(ctx, "porthole:greeting").Result()
	if err != nil {
		return err
	}
	fmt.Println("GET:", greeting)

	if _, err := rdb.Get(ctx, "porthole:nothing").Result(); !errors.Is(err, redis.Nil) {
		return fmt.Errorf("a key that was never set: %v", err)
	}

	// A pipeline is many commands in one write: one round trip.
	start := time.Now()
	cmds, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Del(ctx, "porthole:count")
		for range 1000 {
			p.Incr(ctx, "porthole:count")
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Printf("INCR: %d, %d commands in %v\n", cmds[1000].(*redis.IntCmd).Val(), len(cmds), time.Since(start).Round(time.Millisecond))

	// A subscription has a connection of its own. The WebSocket carries both.
	sub := rdb.Subscribe(ctx, "porthole:news")
	defer sub.Close()
	if _, err := sub.Receive(ctx); err != nil { // the server has subscribed us
		return err
	}
	if err := rdb.Publish(ctx, "porthole:news", "哇咔咔").Err(); err != nil {
		return err
	}
	m, err := sub.ReceiveMessage(ctx)
	if err != nil {
		return err
	}
	fmt.Println("message:", m.Payload)
	return nil
}
