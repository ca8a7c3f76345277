# Targets for people; continuous integration runs .ci/run, which is `make test`.

GO ?= go

.PHONY: test test-keycloak check bench demo build fuzz deps docs

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

## bench: CPU time per request beside a bare httputil.ReverseProxy
bench:
	$(GO) run ./internal/bench

## demo: an identity provider, an app and the proxy on loopback
demo:
	$(GO) run ./cmd/sallyport demo

## build: the static binary, as the Dockerfile builds it
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w" -o bin/sallyport ./cmd/sallyport

## fuzz: every fuzz target for FUZZTIME (default 10s)
fuzz:
	@.ci/fuzz

## deps: the tools of the tests; prints what is still missing
deps:
	@.ci/deps

## docs: writes docs/configuration.md from the struct tags
docs:
	$(GO) run ./cmd/sallyport config --markdown > docs/configuration.md
