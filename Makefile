# Each target is one thing a person wants; `make test` is what CI runs.
.PHONY: run play test lint build net shots frames speed bench soak fleet tools clean

# The race detector needs a C compiler.
race := $(if $(shell command -v "$$(go env CC)"),-race)

# Packages that also run in the page.
page := ./web/... ./wire/...

# Show it: compile the page, start a greeter and serve both; the playground too,
# where there is npm.
run:
	@! command -v npm >/dev/null || $(MAKE) -s play || echo "without the playground: /play will say so"
	go run ./gateway

# Make the playground at /play: its editor, and Node's net for a page, with npm.
play:
	cd web && go run genplay.go

# Tell whether all is right, the page in a real browser included.
test: lint tools
	$(if $(race),,@echo "no C compiler: testing without the race detector")
	cd web && go run genplay.go -optional
	go test $(race) -timeout 30m ./...
	go generate ./web
	go test -timeout 5m -tags embed ./web/... ./gateway/...

# Read the code: format, vet, idioms and staticcheck, on each platform it is for.
lint:
	@files=$$(gofmt -l .); test -z "$$files" || { echo "not as gofmt would have it:" $$files; exit 1; }
	go mod tidy -diff
	go vet ./...
	GOOS=js GOARCH=wasm go vet $(page)
	GOOS=darwin go vet ./gateway/... ./tcpserver/... ./wire/...
	GOOS=windows go vet ./gateway/... ./tcpserver/... ./wire/...
	go fix -diff ./...
	GOOS=js GOARCH=wasm go fix -diff $(page)
# Under GOOS=js the go command would compile staticcheck itself for js: it is built first.
# Each example is a module of its own.
	staticcheck=$$(go tool -modfile=internal/tools/go.mod -n staticcheck) && \
	$$staticcheck ./... && GOOS=js GOARCH=wasm $$staticcheck $(page) && \
	for module in examples/*/go.mod; do (cd $$(dirname $$module) && \
		go mod tidy -diff && go vet . && GOOS=js GOARCH=wasm go vet . && go fix -diff . && $$staticcheck .) || exit; \
	done

# Make the release binaries, with the page inside.
build:
	go generate ./web
	go build -trimpath -tags embed -o bin/ ./gateway ./tcpserver

# Build the npm package, Node's net for a page, in web/net/dist.
net:
	cd web/net && npm ci --silent
	web/net/build.sh

# Make pictures of the pages, to look at, and those in the README.
shots: tools
	mkdir -p bin/shots
	SHOTS=$(CURDIR)/bin/shots BROWSER=required go test -count=1 -run 'Shots$$' ./internal/e2e
	cp bin/shots/page-1100-light-en.png docs/page.png
	cp bin/shots/play-1100-light-en.png docs/play.png

# Measure how the page draws under 20,000 events a second, in a real browser.
frames: tools
	FRAMES=1 BROWSER=required go test -count=1 -v -run TestFrames ./internal/e2e

# Measure how soon the page has its first reply, and how fast its data path is.
speed: tools
	SPEED=1 BROWSER=required go test -count=1 -v -timeout 20m -run TestSpeed ./internal/e2e

# Measure the gateway against its peers; BENCH='-phases echo64,down -rounds 5' for less or more.
bench:
	@./internal/tools/peers.sh
	go run ./internal/bench $(BENCH)

# Let 10,000 sessions stay idle and 100 work; SOAK='-time 10m -- --no-events' for longer, without events.
soak: build
	go run ./internal/bench soak -bin bin $(SOAK)

# Start three gateways as one, behind haproxy, with three servers of NATS and two
# tcpservers; FLEET=-prove lets them work, kills some and counts what is lost.
fleet:
	@./internal/tools/peers.sh
	go run ./internal/fleet $(FLEET)

# Get what the tests need, where that may be done.
tools:
	@./internal/tools/install.sh

# Remove what the other targets made.
clean:
	rm -rf bin web/dist web/net/dist web/static/play/dist
