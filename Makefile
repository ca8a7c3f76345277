# Targets for people; continuous integration runs .ci/run, which is `make test`.

GO ?= go

.PHONY: test test-keycloak check bench pgo demo build fuzz fuzz-headers deps docs

## test: installs what the tests need where it can, then runs all of them
test:
	@.ci/test

## test-keycloak: fetches Keycloak with Maven and runs the tests that need a real one
test-keycloak:
	@.ci/keycloak

## check: everything that needs no running program
check:
	@.ci/fmt
	$(GO) vet ./...
	$(GO) vet -tags keycloak ./internal/e2e
	$(GO) mod tidy -diff
	$(GO) mod verify

## bench: measures requests beside a bare httputil.ReverseProxy into docs/performance.md; BENCH=-help lists flags
bench:
	$(GO) run ./internal/bench -write docs/performance.md $(BENCH)

## pgo: renews the profile that the compiler optimises Sallyport by
pgo:
	$(GO) run ./internal/bench -profile cmd/sallyport/default.pgo

## demo: an identity provider, an app and the proxy on loopback
demo:
	$(GO) run ./cmd/sallyport demo

## build: the static binary, as the Dockerfile builds it
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w" -o bin/sallyport ./cmd/sallyport

## fuzz: every fuzz target for FUZZTIME (default 10s)
fuzz:
	@.ci/fuzz

## fuzz-headers: 10 million requests with forged headers, none of which may reach the app
fuzz-headers:
	$(GO) test ./proxy -run=TestGeneratedHeaders -generated=10000000 -timeout=0 -v

## deps: the tools of the tests; prints what is still missing
deps:
	@.ci/deps

## docs: writes docs/configuration.md from the struct tags
docs:
	$(GO) run ./cmd/sallyport config --markdown > docs/configuration.md
