module porthole/examples/ssh

go 1.26.0

require (
	golang.org/x/crypto v0.59.0 // ssh: what the example shows, a client of any net.Conn
	porthole v0.0.0 // netconn: TCP through a gateway
)

require (
	golang.org/x/sys v0.50.0 // indirect
	nhooyr.io/websocket v1.8.17 // indirect
)

replace porthole => ../..
