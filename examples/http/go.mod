module porthole/examples/http

go 1.26.0

require porthole v0.0.0 // netconn: TCP through a gateway

require nhooyr.io/websocket v1.8.17 // indirect

replace porthole => ../..
