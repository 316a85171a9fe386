module porthole/examples/redis

go 1.26.0

require (
	github.com/redis/go-redis/v9 v9.23.0 // what the example shows: a client with a dial hook
	porthole v0.0.0 // netconn: TCP through a gateway
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	nhooyr.io/websocket v1.8.17 // indirect
)

replace porthole => ../..
