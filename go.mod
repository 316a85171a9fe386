module porthole

go 1.26.0

require (
	code.dny.dev/ssrf v0.3.0 // which addresses are not public: kept in step with IANA's registries
	github.com/alecthomas/kong v1.17.0 // the commands' options, from flags and environment alike
	github.com/andybalholm/brotli v1.2.8 // the page's program is a quarter smaller than under gzip; the standard library has no brotli
	github.com/go-chi/chi/v5 v5.5.0 // the gateway's routes
	github.com/nats-io/nats-server/v2 v2.15.2 // --bus embedded: the same bus in one process, with a history that survives it
	github.com/nats-io/nats.go v1.55.0 // --bus: events, presence and leases of a fleet
	github.com/pkg/browser v0.0.0-20240102092130-5ac0b6a4141c // --open: how each system starts its default browser
	github.com/prometheus/client_golang v1.25.0 // what operators' monitors read, at --admin
	golang.org/x/sys v0.49.0 // what the kernel says of a socket: TCP_INFO, queue sizes, names of errors
	golang.org/x/time v0.16.0 // rate: how often a page may do what costs it nothing
	nhooyr.io/websocket v1.8.17 // the WebSocket on the gateway, in gateway/bridge/socket.go alone
)

// For tests only.
require (
	github.com/Shopify/toxiproxy/v2 v2.12.0 // what networks do to bytes: slow, cut, sliced and lost ones
	github.com/chromedp/cdproto v0.159.0 // the commands that chromedp sends
	github.com/chromedp/chromedp v0.23.0 // the page in a real browser; pinned, its API moves
	go.uber.org/goleak v1.3.0 // no goroutine is left behind
	golang.org/x/net v0.62.0 // nettest: a wrapped net.Conn is still one
	pgregory.net/rapid v1.3.0 // a stream does what its model says, whatever both ends do
)

require (
	github.com/antithesishq/antithesis-sdk-go v0.8.0-default-no-op // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/google/go-tpm v0.9.8 // indirect
	github.com/gorilla/mux v1.8.1 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/mattn/go-colorable v0.1.13 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	github.com/minio/highwayhash v1.0.4 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/nats-io/jwt/v2 v2.8.2 // indirect
	github.com/nats-io/nkeys v0.4.16 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/rs/xid v1.5.0 // indirect
	github.com/rs/zerolog v1.33.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
	gopkg.in/tomb.v1 v1.0.0-20141024135613-dd632973f1e7 // indirect
)
